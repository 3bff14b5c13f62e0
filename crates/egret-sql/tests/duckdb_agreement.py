#!/usr/bin/env python3
"""Runs the queries of slt/*.slt in DuckDB and compares its rows with those in the files.

Needs the Python package `duckdb`. A record after `skipif duckdb` is left out. Ends with 1 if any differs.
"""

import datetime
import math
import pathlib
import sys

import duckdb

FOLDER = pathlib.Path(__file__).parent / "slt"


def connect():
    connection = duckdb.connect()
    columns = [line.split(" ", 1) for line in (FOLDER / "event.schema").read_text().splitlines()]
    # JSON is stored as text.
    types = ", ".join(f"""{name.strip('"')}: '{'varchar' if kind == 'json' else kind}'""" for name, kind in columns)
    names = ", ".join(name for name, _ in columns)
    source = FOLDER / "event.jsonl"
    connection.execute(f"create table event as select {names} from read_json('{source}', columns = {{{types}}})")
    return connection


def records(path):
    """Yields (line, sql, rows, skipped) for each `query` record."""
    for block in path.read_text().split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith("#")]
        skipped = any(line.startswith("skipif duckdb") for line in lines)
        lines = [line for line in lines if line and not line.startswith("skipif")]
        if not lines or not lines[0].startswith("query"):
            continue
        if lines[0].startswith("query error"):
            continue
        end = lines.index("----")
        yield "\n".join(lines[1:end]), lines[end + 1 :], skipped


def cell(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.datetime):
        text = value.replace(tzinfo=None).isoformat()
        # Three digits where they are enough.
        return text[:-3] if value.microsecond and value.microsecond % 1000 == 0 else text
    if isinstance(value, list):
        return "[" + ", ".join(cell(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {cell(item)}" for key, item in value.items()) + "}"
    text = str(value)
    return text if text else "(empty)"


def same_word(ours, theirs):
    if ours == theirs:
        return True
    try:
        # `2` and `2.0`, and the last digits of a sum.
        return math.isclose(float(ours.strip("[],")), float(theirs.strip("[],")), rel_tol=1e-12)
    except ValueError:
        return False


def same(ours, theirs):
    left, right = ours.split(), theirs.split()
    return len(left) == len(right) and all(same_word(a, b) for a, b in zip(left, right))


def normal(lines):
    return [" ".join(line.split()) for line in lines]


def main():
    connection = connect()
    checked = differ = 0
    for path in sorted(FOLDER.glob("*.slt")):
        for sql, expected, skipped in records(path):
            if skipped:
                continue
            checked += 1
            try:
                rows = connection.execute(sql).fetchall()
                theirs = normal(" ".join(cell(value) for value in row) for row in rows)
            except Exception as error:  # Whatever DuckDB says is a difference to show.
                theirs = ["error: " + str(error).split("\n")[0]]
            ours = normal(expected)
            if len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs)):
                continue
            differ += 1
            print(f"{path.name}: {sql}\n  egret:  {ours}\n  duckdb: {theirs}")
    print(f"{checked} queries, {differ} differ")
    return 1 if differ or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
