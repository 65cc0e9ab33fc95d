"""Reads every log of a folder with the real Inspect, and prints as JSON what it found.

A key of ours that the models of Inspect do not know would be dropped in silence, so keys are compared too.
"""

import json
import sys

from inspect_ai.log import list_eval_logs, read_eval_log
from inspect_ai.scorer import value_to_float


def unknown(ours, theirs, place):
    """The keys with a value that Inspect has dropped."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if value is not None and key not in theirs:
                yield f"{place}.{key}"
            else:
                yield from unknown(value, theirs.get(key), f"{place}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        for number, (one, other) in enumerate(zip(ours, theirs)):
            yield from unknown(one, other, f"{place}[{number}]")


read = []
# Its own order is that of the times at which files were written, and they are written at once.
for info in sorted(list_eval_logs(sys.argv[1]), key=lambda info: info.name):
    log, header = read_eval_log(info), read_eval_log(info, header_only=True)
    with open(info.name.removeprefix("file://"), encoding="utf-8") as file:
        ours = json.load(file)
    passed = [value_to_float()(sample.scores["passed"].value) for sample in log.samples if sample.scores]
    metrics = {score.name: {name: metric.value for name, metric in score.metrics.items()} for score in log.results.scores}
    read.append(
        {
            "setup": log.eval.task_args["setup"],
            "status": log.status,
            "header_agrees": header.eval == log.eval and header.results == log.results and header.stats == log.stats,
            "unknown": list(unknown(ours, json.loads(log.model_dump_json()), "log")),
            "epochs": [sample.epoch for sample in log.samples],
            "errors": [sample.error.message if sample.error else None for sample in log.samples],
            "accuracy": metrics.get("passed", {}).get("accuracy"),
            "accuracy_of_inspect": sum(passed) / len(passed) if passed else None,
            "scorers": sorted(metrics),
        }
    )
print(json.dumps(read))
