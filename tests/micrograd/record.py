"""Writes expected.json: what the programs here print with micrograd 0.1.0 itself."""

import json
import runpy
from pathlib import Path

HERE = Path(__file__).parent

if __name__ == "__main__":
    programs = [file for file in sorted(HERE.glob("*.py")) if file != Path(__file__)]
    expected = {file.stem: runpy.run_path(str(file))["result"] for file in programs}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
