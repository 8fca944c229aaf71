"""The script of every Glue job (ScriptLocation): runs the entry that `--entry` names, from the installed wheel."""

import sys

from glue_jobs.entries import run

if __name__ == "__main__":
    run(sys.argv)
