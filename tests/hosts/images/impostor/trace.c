/* A program that is no Python: when root runs it, it leaves a trace and claims to be one. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (geteuid() == 0) {
        FILE *trace = fopen("/root/impostor-was-run", "a");
        if (trace) {
            for (int i = 0; i < argc; i++)
                fprintf(trace, "%s%s", argv[i], i + 1 < argc ? " " : "\n");
            fclose(trace);
        }
    }
    puts("Python 3.9.99");
    return 0;
}
