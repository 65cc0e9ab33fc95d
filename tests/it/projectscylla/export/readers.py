"""Holds an exported experiment against what is known of the original's readers: keys, types, spellings, layout.

Usage: readers.py FOLDER VERSION. Prints every mistake; exits with 1 when there is one.
"""

import hashlib
import json
import pathlib
import re
import sys

FOLDER, VERSION = pathlib.Path(sys.argv[1]), sys.argv[2]
PHASED = VERSION == "3.1"
NUMBER = (int, float)
TEXT_OR_NULL = (str, type(None))
NUMBER_OR_NULL = (int, float, type(None))
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$")
TIMES = {"started_at", "last_updated_at", "completed_at", "generated_at", "measured_at"}
GRADES = {"S", "A", "B", "C", "D", "F"}
mistakes = []
read = {}


def wrong(place, what):
    mistakes.append(f"{place}: {what}")


def load(path):
    place = str(path.relative_to(FOLDER))

    def constant(name):
        wrong(place, f"it has a bare {name}")

    def pairs(entries):
        keys = [key for key, _ in entries]
        for key in {key for key in keys if keys.count(key) > 1}:
            wrong(place, f"the key {key} is there twice")
        return dict(entries)

    value = json.loads(path.read_text(encoding="utf-8"), parse_constant=constant, object_pairs_hook=pairs)
    times(place, value)
    read[place] = value
    return value


def times(place, value):
    if isinstance(value, list):
        for one in value:
            times(place, one)
    if isinstance(value, dict):
        for key, one in value.items():
            if key in TIMES and not (isinstance(one, str) and TIME.match(one)):
                wrong(place, f"{key} is {one!r}")
            times(place, one)


def shape(place, value, keys, more=()):
    """Holds an object against its keys with their types; `more` are keys that may be there."""
    if not isinstance(value, dict):
        return wrong(place, f"it is {type(value).__name__}")
    for key, kinds in keys.items():
        if key not in value:
            wrong(place, f"it lacks {key}")
            continue
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        found = value[key]
        if isinstance(found, bool) and bool not in kinds or not isinstance(found, kinds):
            wrong(place, f"{key} is {found!r}")
    return None


TOKENS = {"input_tokens": int, "output_tokens": int, "cache_creation_tokens": int, "cache_read_tokens": int}
RUN_RESULT = {
    "run_number": int, "exit_code": int, "token_stats": dict, "tokens_input": int, "tokens_output": int, "cost_usd": NUMBER,
    "duration_seconds": NUMBER, "agent_duration_seconds": NUMBER, "judge_duration_seconds": NUMBER,
    "judge_score": NUMBER_OR_NULL, "judge_passed": bool, "judge_grade": TEXT_OR_NULL, "judge_reasoning": str, "judges": list,
    "workspace_path": str, "logs_path": str, "command_log_path": TEXT_OR_NULL, "criteria_scores": dict,
}
JUDGE = {"model": str, "score": NUMBER_OR_NULL, "passed": bool, "grade": TEXT_OR_NULL, "reasoning": str, "judge_number": int}
SUMMARY_OF_SUBTEST = {
    "total_runs": int, "passed": int, "pass_rate": NUMBER, "mean_score": NUMBER, "median_score": NUMBER, "std_dev": NUMBER,
    "total_cost": NUMBER, "consistency": NUMBER, "grade_distribution": (dict, type(None)), "modal_grade": TEXT_OR_NULL,
    "min_grade": TEXT_OR_NULL, "max_grade": TEXT_OR_NULL,
}
SUBTEST_RESULT = {
    "subtest_id": str, "tier_id": str, "runs": list, "pass_rate": NUMBER, "mean_score": NUMBER, "median_score": NUMBER,
    "std_dev_score": NUMBER, "mean_cost": NUMBER, "total_cost": NUMBER, "token_stats": dict, "consistency": NUMBER,
    "grade_distribution": (dict, type(None)), "modal_grade": TEXT_OR_NULL, "min_grade": TEXT_OR_NULL, "max_grade": TEXT_OR_NULL,
    "selected_as_best": bool, "selection_reason": str, "rate_limit_info": (dict, type(None)),
}


def run_result(place, value):
    shape(place, value, RUN_RESULT)
    shape(f"{place} token_stats", value["token_stats"], TOKENS)
    tokens = value["token_stats"]
    if value["tokens_input"] != tokens["input_tokens"] + tokens["cache_read_tokens"]:
        wrong(place, "tokens_input is not input and cache_read")
    if value["tokens_output"] != tokens["output_tokens"]:
        wrong(place, "tokens_output is not output_tokens")
    for judge in value["judges"]:
        shape(f"{place} judges", judge, JUDGE)
    if value["judge_grade"] not in GRADES | {None}:
        wrong(place, f"judge_grade is {value['judge_grade']!r}")
    if PHASED:
        for judge in value["judges"]:
            shape(f"{place} judges", judge, {"is_valid": bool, "criteria_scores": (dict, type(None))})
        shape(place, value, {
            "baseline_pipeline_summary": (dict, type(None)), "progress_tracking": (list, type(None)),
            "changes": (list, type(None)),
        })


def config():
    place = "config/experiment.json"
    value = load(FOLDER / place)
    keys = {
        "experiment_id": str, "task_repo": str, "task_commit": str, "task_prompt_file": str, "language": str, "models": list,
        "runs_per_subtest": int, "tiers_to_run": list, "judge_models": list, "timeout_seconds": int,
        "max_turns": (int, type(None)), "max_subtests": (int, type(None)), "use_containers": bool,
    }
    keys |= {"thinking_mode": str, "skip_agent_teams": bool} if PHASED else {"parallel_subtests": int}
    shape(place, value, keys)
    if not value["models"] or not all(isinstance(model, str) for model in value["models"] + value["judge_models"]):
        wrong(place, "models are no texts, or none is there")
    return value


def config_hash(value):
    """By the rule of the commit that writes this version."""
    names = {"parallel_subtests", "max_subtests"}
    if PHASED:
        names |= {"tiers_to_run", "keep_failed_workspaces", "max_concurrent_workspaces", "max_concurrent_agents"}
        names |= {"fail_on_resource_check"}
        # What the original takes for keys that are not in the file, which it hashes all the same.
        value = {"criteria_file": None, "rubric_file": None, "off_peak": False, "skip_agent_teams": False, **value}
    left = {key: one for key, one in value.items() if key not in names and not key.startswith(("until_", "from_", "filter_"))}
    return hashlib.sha256(json.dumps(left, sort_keys=True).encode()).hexdigest()[:16]


def checkpoint(value):
    place = "checkpoint.json"
    keys = {
        "version": str, "experiment_id": str, "experiment_dir": str, "config_hash": str, "completed_runs": dict,
        "started_at": str, "last_updated_at": str, "status": str, "rate_limit_source": TEXT_OR_NULL,
        "rate_limit_until": TEXT_OR_NULL, "pause_count": int, "pid": (int, type(None)),
    }
    if PHASED:
        keys |= {
            "experiment_state": str, "tier_states": dict, "subtest_states": dict, "run_states": dict, "last_heartbeat": str,
        }
    shape(place, value, keys)
    for key in set(value) - set(keys):
        wrong(place, f"the original's readers do not know {key}")
    if value["version"] != VERSION:
        wrong(place, f"version is {value['version']}")
    if value["status"] not in {"running", "paused_rate_limit", "completed", "failed", "interrupted"}:
        wrong(place, f"status is {value['status']}")
    if not value["experiment_dir"].startswith("/"):
        wrong(place, "experiment_dir is not absolute")
    return value


def of_runs(value, what):
    """Every run of a map of tiers of subtests of runs, whose keys must be texts of numbers."""
    for tier, subtests in value.items():
        for subtest, runs in subtests.items():
            for run, state in runs.items():
                if not (re.match(r"^T\d+$", tier) and re.match(r"^\d{2,}$", subtest) and re.match(r"^[1-9]\d*$", run)):
                    wrong("checkpoint.json", f"{what} has {tier}/{subtest}/{run}")
                yield (tier, subtest, int(run)), state


def runs_on_disk():
    base = FOLDER / "completed" if PHASED else FOLDER
    found = {}
    for path in sorted(base.glob("T*/*/run_*/run_result.json")):
        tier, subtest, run = path.relative_to(base).parts[:3]
        value = load(path)
        run_result(str(path.relative_to(FOLDER)), value)
        if run != f"run_{value['run_number']:02d}":
            wrong(str(path), "its number is another one")
        for key in ("workspace_path", "logs_path"):
            if not value[key].startswith("/"):
                wrong(str(path), f"{key} is not absolute")
        found[(tier, subtest, value["run_number"])] = value
        stages(path.parent, value)
        report = load(path.with_name("report.json"))
        keys = {
            "run_number": int, "score": NUMBER_OR_NULL, "grade": TEXT_OR_NULL, "passed": bool, "cost_usd": NUMBER,
            "duration_seconds": NUMBER, "generated_at": str,
        }
        shape(str(path.with_name("report.json")), report, keys)
    return base, found


def stages(run, result):
    """The agent and each judge are done, as the original's tools tell."""
    agent = load(run / "agent" / "result.json")
    place = str((run / "agent").relative_to(FOLDER))
    keys = {"exit_code": int, "stdout": str, "stderr": str, "token_stats": dict, "cost_usd": NUMBER, "api_calls": int}
    shape(place, agent, keys)
    shape(place, agent["token_stats"], TOKENS)
    if agent["exit_code"] == -1 and not any(agent["token_stats"].values()):
        wrong(place, "the original takes it for a failure of infrastructure")
    shape(place, load(run / "agent" / "timing.json"), {"agent_duration_seconds": NUMBER, "measured_at": str})
    shape(place, load(run / "judge" / "timing.json"), {"judge_duration_seconds": NUMBER, "measured_at": str})
    keys = {"score": NUMBER, "passed": bool, "grade": str, "reasoning": str}
    shape(place, load(run / "judge" / "result.json"), keys)
    for judge in result["judges"]:
        path = run / "judge" / f"judge_{judge['judge_number']:02d}" / "judgment.json"
        shape(str(path.relative_to(FOLDER)), load(path), keys)


def reports_of_subtests(base, found):
    for tier, subtest in sorted({(tier, subtest) for tier, subtest, _ in found}):
        place = f"{tier}/{subtest}/report.json"
        value = load(base / tier / subtest / "report.json")
        keys = {"subtest_id": str, "tier_id": str, "summary": dict, "token_stats": dict, "children": list, "generated_at": str}
        shape(place, value, keys)
        shape(place, value["summary"], SUMMARY_OF_SUBTEST)
        of_it = [one for (of_tier, of_subtest, _), one in found.items() if (of_tier, of_subtest) == (tier, subtest)]
        if value["summary"]["total_runs"] != len(of_it) or len(value["children"]) != len(of_it):
            wrong(place, "it does not count the runs that are there")
        if value["summary"]["passed"] != sum(one["judge_passed"] for one in of_it):
            wrong(place, "it does not count those that passed")
        for child in value["children"]:
            shape(place, child, {"run_number": int, "score": NUMBER_OR_NULL, "passed": bool, "report": str})


def reports_of_tiers(base, tiers):
    for tier in tiers:
        place = f"{tier}/result.json"
        value = load(base / tier / "result.json")
        keys = {
            "tier_id": str, "subtest_results": dict, "best_subtest": TEXT_OR_NULL, "best_subtest_score": NUMBER,
            "inherited_from": (dict, type(None)), "tiebreaker_needed": bool, "total_cost": NUMBER, "total_duration": NUMBER,
            "cost_of_pass": NUMBER_OR_NULL, "token_stats": dict,
        }
        shape(place, value, keys)
        for subtest, result in value["subtest_results"].items():
            shape(f"{place} {subtest}", result, SUBTEST_RESULT)
            for one in result["runs"]:
                run_result(f"{place} {subtest}", one)
        if sum(result["selected_as_best"] for result in value["subtest_results"].values()) != 1:
            wrong(place, "not exactly one subtest is the best")
        place = f"{tier}/report.json"
        value = load(base / tier / "report.json")
        keys = {"tier": str, "summary": dict, "token_stats": dict, "best": dict, "children": list, "generated_at": str}
        shape(place, value, keys)
        keys = {
            "total_subtests": int, "best_subtest": TEXT_OR_NULL, "best_score": NUMBER, "total_cost": NUMBER,
            "total_duration": NUMBER, "tiebreaker_needed": bool,
        }
        shape(place, value["summary"], keys)
        shape(place, value["best"], {"subtest": TEXT_OR_NULL, "score": NUMBER, "report": TEXT_OR_NULL})
        for child in value["children"]:
            keys = {"id": str, "score": NUMBER, "pass_rate": NUMBER, "cost": NUMBER, "selected": bool, "report": str}
            shape(place, child, keys)
        place = f"{tier}/best_subtest.json"
        value = load(base / tier / "best_subtest.json")
        keys = {
            "winning_subtest": str, "winning_score": NUMBER, "votes": list, "margin": NUMBER, "tiebreaker_needed": bool,
            "tiebreaker_result": (dict, type(None)),
        }
        shape(place, value, keys)


def reports_of_all(tiers, found):
    value = load(FOLDER / "result.json")
    keys = {
        "config": dict, "tier_results": dict, "best_overall_tier": TEXT_OR_NULL, "best_overall_subtest": TEXT_OR_NULL,
        "frontier_cop": NUMBER_OR_NULL, "frontier_cop_tier": TEXT_OR_NULL, "total_cost": NUMBER,
        "total_duration_seconds": NUMBER, "token_stats": dict, "started_at": str, "completed_at": str,
    }
    shape("result.json", value, keys)
    cost = sum(one["cost_usd"] for one in found.values())
    if abs(value["total_cost"] - cost) > 1e-6:
        wrong("result.json", f"total_cost is {value['total_cost']}, the runs cost {cost}")
    if sorted(value["tier_results"]) != tiers:
        wrong("result.json", "it does not have the tiers that are there")
    value = load(FOLDER / "report.json")
    keys = {"experiment_id": str, "summary": dict, "token_stats": dict, "best": dict, "children": list, "generated_at": str}
    shape("report.json", value, keys)
    keys = {
        "total_tiers": int, "best_tier": TEXT_OR_NULL, "best_subtest": TEXT_OR_NULL, "frontier_cop": NUMBER_OR_NULL,
        "total_cost": NUMBER, "total_duration": NUMBER, "started_at": str, "completed_at": str,
    }
    shape("report.json", value["summary"], keys)
    shape("report.json", value["best"], {"tier": TEXT_OR_NULL, "subtest": TEXT_OR_NULL, "report": TEXT_OR_NULL})
    for child in value["children"]:
        keys = {"tier": str, "best_subtest": TEXT_OR_NULL, "best_score": NUMBER, "cost": NUMBER, "report": str}
        shape("report.json", child, keys)
    value = load(FOLDER / "tier_comparison.json")
    for tier in value.values():
        keys = {"best_subtest": TEXT_OR_NULL, "best_score": NUMBER, "total_cost": NUMBER, "tiebreaker_needed": bool}
        shape("tier_comparison.json", tier, keys)


def links():
    """Every report that a report names lies where the original looks for it."""
    for place, value in read.items():
        if not place.endswith("report.json") or not isinstance(value, dict):
            continue
        named = [child.get("report") for child in value.get("children", [])] + [value.get("best", {}).get("report")]
        for report in filter(None, named):
            if not (FOLDER / place).parent.joinpath(report).is_file():
                wrong(place, f"it names {report}, which is not there")


def main():
    index = checkpoint(load(FOLDER / "checkpoint.json"))
    if index["config_hash"] != config_hash(config()):
        wrong("checkpoint.json", f"config_hash is {index['config_hash']}")
    base, found = runs_on_disk()
    recorded = dict(of_runs(index["completed_runs"], "completed_runs"))
    expected = {run: "passed" if one["judge_passed"] else "failed" for run, one in found.items()}
    if recorded != expected:
        wrong("checkpoint.json", f"completed_runs is {recorded}, on disk are {expected}")
    if PHASED:
        states = dict(of_runs(index["run_states"], "run_states"))
        done = {"report_written", "checkpointed", "worktree_cleaned"}
        if {run for run, state in states.items() if state in done} != set(found):
            wrong("checkpoint.json", f"run_states is {states}")
    tiers = sorted({tier for tier, _, _ in found})
    reports_of_subtests(base, found)
    reports_of_tiers(base, tiers)
    if tiers:
        reports_of_all(tiers, found)
        links()
    for path in FOLDER.rglob("*.json"):
        if str(path.relative_to(FOLDER)) not in read:
            load(path)
    print("\n".join(mistakes) or f"{len(found)} runs, {len(read)} files")
    sys.exit(1 if mistakes else 0)


main()
