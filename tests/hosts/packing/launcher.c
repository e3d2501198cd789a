/* Programs/python.c of CPython with one difference: the standard library is
 * looked for in lib64, as Red Hat and SUSE configure it. Since 3.11 Debian's
 * libpython also has a frozen copy of Debian's site.py, which knows other
 * site-packages folders; SITE_FROM_FILE lets the file in /usr/lib64 be used. */
#include <Python.h>

static void give_up_on_error(PyConfig *config, PyStatus status)
{
    if (PyStatus_Exception(status)) {
        PyConfig_Clear(config);
        Py_ExitStatusException(status);
    }
}

int main(int argc, char **argv)
{
    PyConfig config;

    PyConfig_InitPythonConfig(&config);
    give_up_on_error(&config, PyConfig_SetBytesArgv(&config, argc, argv));
    give_up_on_error(&config, PyConfig_SetBytesString(&config, &config.platlibdir, "lib64"));
#ifdef SITE_FROM_FILE
    give_up_on_error(&config, PyWideStringList_Append(&config.xoptions, L"frozen_modules=off"));
#endif
    give_up_on_error(&config, Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
    return Py_RunMain();
}
