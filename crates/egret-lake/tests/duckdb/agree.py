"""Runs SQL in the real DuckDB with a lake attached as `lake`, and prints each statement's rows and `-- end`.

    agree.py LAKE_FOLDER STATEMENT…
    agree.py LAKE_FOLDER --script connect.sql STATEMENT…

The working directory is none of the lake's, so that a path that only works from there is found out. With
`--script` the lake is opened by that script, as `duckdb -init` does it.
"""

import glob
import importlib
import os
import sys
import tempfile

EXTENSIONS = ["duckdb_extension_sqlite_scanner", "duckdb_extension_ducklake"]


def connect():
    """A connection with the extensions loaded out of their Python packages: no network needed."""
    try:
        import duckdb

        modules = [importlib.import_module(name) for name in EXTENSIONS]
    except ImportError as error:
        sys.exit(f"{error}: `make setup` installs DuckDB and its extensions for the tests")
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for module in modules:
        folder = os.path.dirname(module.__file__)
        connection.execute("load '%s'" % glob.glob(folder + "/extensions/*/*")[0])
    return connection


def show(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def main():
    folder, *statements = sys.argv[1:]
    os.chdir(tempfile.gettempdir())
    connection = connect()
    if statements[0] == "--script":
        with open(statements[1]) as script:
            # The extensions are loaded already, and installing needs the network.
            lines = [line for line in script if not line.startswith(("INSTALL", "LOAD"))]
        connection.execute("".join(lines))
        statements = statements[2:]
    else:
        catalog = os.path.join(folder, "catalog.sqlite").replace("'", "''")
        connection.execute(f"attach 'ducklake:sqlite:{catalog}' as lake")
        connection.execute("use lake")
    for statement in statements:
        for row in connection.execute(statement).fetchall():
            print(" | ".join(show(value) for value in row))
        print("-- end")


main()
