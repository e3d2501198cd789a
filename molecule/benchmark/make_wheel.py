"""Makes a wheel with one empty module: make_wheel.py FOLDER/separation_demo-1.0-py3-none-any.whl."""

import sys
import zipfile

RECORDS = "separation_demo-1.0.dist-info/"
FILES = {
    "separation_demo.py": "",
    RECORDS + "METADATA": "Metadata-Version: 2.1\nName: separation-demo\nVersion: 1.0\n",
    RECORDS + "WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}

if __name__ == "__main__":
    with zipfile.ZipFile(sys.argv[1], "w") as wheel:
        for name, content in FILES.items():
            wheel.writestr(name, content)
        wheel.writestr(RECORDS + "RECORD", "".join(f"{name},,\n" for name in [*FILES, RECORDS + "RECORD"]))
