"""Rebuilds a checkpoint as ProjectScylla's repair of January 2026 did: every result below the folder is searched for and
parsed, the index is built anew, and the checkpoint is written twice, once as its own backup."""

import json
import sys
from pathlib import Path


def main() -> None:
    checkpoint_path = Path(sys.argv[1])
    folder = checkpoint_path.parent
    checkpoint = json.loads(checkpoint_path.read_text())
    completed: dict[str, dict[str, dict[int, str]]] = {}
    for result_path in sorted(folder.rglob("run_result.json")):
        parts = result_path.relative_to(folder).parts
        if len(parts) < 4 or "_" not in parts[2]:
            continue
        tier, subtest, number = parts[0], parts[1], int(parts[2].split("_")[1])
        try:
            with open(result_path) as file:
                result = json.load(file)
        except json.JSONDecodeError:
            continue
        status = "passed" if result.get("judge_passed", False) else "failed"
        completed.setdefault(tier, {}).setdefault(subtest, {})[number] = status
    checkpoint["completed_runs"] = completed
    for path in (checkpoint_path.with_suffix(".json.python-backup"), checkpoint_path.with_suffix(".json.python")):
        with open(path, "w") as file:
            json.dump(checkpoint, file, indent=2)
    for tier in sorted(completed):
        print(tier, sum(len(runs) for runs in completed[tier].values()))


main()
