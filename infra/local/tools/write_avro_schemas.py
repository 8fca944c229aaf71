"""Write ``schemas/<pipeline>/avro/<topic>-{key,value}.avsc`` as the running stack's registry holds them.

    lake up && lake source seed && python infra/local/tools/write_avro_schemas.py

Run it after a change of the source's tables; a test holds the files equal to a live registry.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from infra.local.registry_schemas import SIDES, latest_schema
from infra.local.stack import Stack
from lake.home import Home
from lake.settings import load_settings
from schemas import load_pipeline

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


def main() -> int:
    """Write the schemas of all topics of the pipeline."""
    settings = load_settings()
    endpoints = Stack(Home(settings.home).root).endpoints()
    folder = SCHEMAS / settings.pipeline / "avro"
    folder.mkdir(exist_ok=True)
    for source in load_pipeline(settings.pipeline).sources.values():
        for side in SIDES:
            schema = latest_schema(endpoints.ccompat_url, source.topic, side)
            (folder / f"{source.topic}-{side}.avsc").write_text(json.dumps(schema, indent=2) + "\n")
    print(f"{folder}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
