"""Runs the attacks and prints the table. Exit status 0: every one of them was held off."""

import argparse
import importlib
import pathlib
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
# The agent in a directory, its Ironic, certificates and images are those of the components' tests.
sys.path[1:1] = [str(HERE.parent / "components")]

import attack  # noqa: E402
import place  # noqa: E402
from field import Field  # noqa: E402
from table import Row, Table  # noqa: E402


def chosen(names):
    known = sorted(path.stem for path in (HERE / "attacks").glob("*.py"))
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no such attacks: {', '.join(unknown)}; there are {', '.join(known)}")
    for name in names or known:
        importlib.import_module(f"attacks.{name}")
    return attack.ATTACKS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="some minutes instead of twenty")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn by lot")
    parser.add_argument("attacks", nargs="*")
    options = parser.parse_args()
    attacks, table = chosen(options.attacks), Table()
    with tempfile.TemporaryDirectory(prefix="siege.", dir=place.TARGET) as files, place.prepared(files) as work:
        field = Field(work, options.short, options.seed)
        table.head()
        try:
            for name, besiege in attacks:
                try:
                    for row in besiege(field):
                        table.add(row)
                except Exception:
                    table.add(Row(name, "", "", traceback.format_exc(), "", False))
        finally:
            field.stop()
    return table.end()


sys.exit(main())
