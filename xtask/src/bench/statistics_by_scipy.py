"""Says of tables of runs what `cargo scylla report --from-csv` says of them, by SciPy and NumPy alone.

    python3 statistics_by_scipy.py RUNS JUDGES CRITERIA > statistics.json

All samples of a drawn interval, and all made-up samples that power is found by, are tested at once, as arrays: a loop over them
would take many times as long. The arrays and keys are those of published results, so that `report --published` compares them."""

import csv
import itertools
import json
import math
import re
import sys
import warnings
from collections import defaultdict

import numpy
from scipy import special, stats

SAMPLES = 10_000
SEED = 42
ALPHA = 0.05
COMPARED = ["pass_rate", "impl_rate", "duration_seconds", "r_prog", "cfp", "pr_revert_rate"]
SHAPED = ["score", "impl_rate", "cost_usd", "duration_seconds", "r_prog", "cfp", "pr_revert_rate"]
CROSSED = ["score", "impl_rate", "cost_usd", "duration_seconds"]
DESCRIBED = ["score", "cost_usd", "duration_seconds", "total_tokens"]
PAIRS = [
    ("score", "cost_usd"), ("score", "total_tokens"), ("score", "duration_seconds"), ("score", "impl_rate"),
    ("impl_rate", "cost_usd"), ("impl_rate", "duration_seconds"), ("cost_usd", "total_tokens"),
]
TEXTS = {"experiment", "agent_model", "tier", "subtest", "grade", "criterion", "judge_model", "judge_grade", "judge_reasoning"}

warnings.simplefilter("ignore")


def rows_of(path):
    """The rows of a table: numbers as numbers, yes and no as 1 and 0, what is absent as NaN."""
    words = {"": math.nan, "N/A": math.nan, "True": 1.0, "False": 0.0}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            yield {
                key: text if key in TEXTS else words[text] if text in words else float(text) for key, text in row.items()
            }


def plain(value):
    """What JSON has for it: what cannot be said is null."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, numpy.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def grouped(rows, *keys):
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    return groups


def known(rows, metric):
    values = numpy.array([row["passed" if metric == "pass_rate" else metric] for row in rows])
    return values[numpy.isfinite(values)]


def spread(values):
    n = len(values)
    return {
        "mean": numpy.mean(values) if n else None,
        "median": numpy.median(values) if n else None,
        "sd": numpy.std(values, ddof=1) if n > 1 else None,
    }


def consistency(values):
    mean = numpy.mean(values)
    return min(1.0, max(0.0, 1 - numpy.std(values, ddof=1) / mean)) if mean > 0 else 0.0


def is_constant(values):
    return len(values) == 0 or numpy.all(values == values[0])


def bootstrap(samples, statistic):
    found = stats.bootstrap(samples, statistic, n_resamples=SAMPLES, method="BCa", vectorized=True, random_state=SEED)
    return found.confidence_interval


def delta(later, former, axis=-1):
    """Cliff's delta from the sum of ranks, for as many pairs of samples as there are."""
    m, n = later.shape[axis], former.shape[axis]
    ranks = stats.rankdata(numpy.concatenate([later, former], axis=axis), axis=axis)
    u = ranks[..., :m].sum(axis=axis) - m * (m + 1) / 2
    return (2 * u - m * n) / (m * n)


def normality(model, tiers):
    for (tier, rows), metric in itertools.product(tiers.items(), SHAPED):
        values = known(rows, metric)
        w, p = (None, None) if len(values) < 3 or is_constant(values) else stats.shapiro(values)
        normal = None if p is None else p > ALPHA
        yield dict(model=model, tier=tier, metric=metric, n=len(values), w_statistic=w, p_value=p, is_normal=normal)


def omnibus(model, tiers):
    for metric in COMPARED:
        groups = [known(rows, metric) for rows in tiers.values()]
        h, p = (math.nan, math.nan) if is_constant(numpy.concatenate(groups)) else stats.kruskal(*groups)
        yield dict(
            model=model, metric=metric, n_groups=len(groups), h_statistic=h, p_value=p, is_significant=bool(p < ALPHA)
        )


def holm(ps):
    order = numpy.argsort(ps, kind="stable")
    stepped = numpy.maximum.accumulate(numpy.array(ps)[order] * (len(ps) - numpy.arange(len(ps))))
    corrected = numpy.empty(len(ps))
    corrected[order] = numpy.minimum(stepped, 1)
    return corrected


def pairwise(model, tiers):
    names = list(tiers)
    for metric in COMPARED:
        pairs = list(zip(names, names[1:])) + ([(names[0], names[-1])] if metric == "pass_rate" else [])
        samples = [(known(tiers[former], metric), known(tiers[later], metric)) for former, later in pairs]
        tests = [stats.mannwhitneyu(*pair) for pair in samples]
        for (former, later), (x, y), test, p in zip(pairs, samples, tests, holm([test.pvalue for test in tests])):
            found = dict(model=model, tier1=former, tier2=later, n1=len(x), n2=len(y), metric=metric)
            found |= dict(u_statistic=test.statistic, p_value_raw=test.pvalue, p_value=p, is_significant=p < ALPHA)
            yield found


def effects(model, tiers):
    names = list(tiers)
    for (former, later), metric in itertools.product(zip(names, names[1:]), COMPARED):
        x, y = known(tiers[later], metric), known(tiers[former], metric)
        low, high = (math.nan, math.nan) if is_constant(numpy.concatenate([x, y])) else bootstrap((x, y), delta)
        found = dict(model=model, metric=metric, tier1=former, tier2=later, cliffs_delta=delta(x, y))
        yield found | dict(ci_low=low, ci_high=high, is_significant=bool(low > 0 or high < 0))


def power(model, tiers):
    names, verdicts = list(tiers), [known(rows, "pass_rate") for rows in tiers.values()]

    def seen(m, n, effect):
        if abs(effect) < 1e-10:
            return ALPHA
        drawn = numpy.random.RandomState(SEED).normal(0, 1, (SAMPLES, m + n))
        drawn[:, m:] += math.sqrt(2) * special.ndtri((abs(effect) + 1) / 2)
        return (stats.mannwhitneyu(drawn[:, :m], drawn[:, m:], axis=1).pvalue < ALPHA).mean()

    for former, later, x, y in zip(names, names[1:], verdicts, verdicts[1:]):
        observed = delta(y, x)
        found = dict(model=model, metric="pass_rate", tier1=former, tier2=later, n1=len(x), n2=len(y))
        found |= dict(observed_delta=observed, power_at_observed=seen(len(x), len(y), observed))
        yield found | dict(power_at_medium_0_3=seen(len(x), len(y), 0.3))
    sizes = [len(values) for values in verdicts]
    drawn = numpy.random.RandomState(SEED).normal(0, 1, (SAMPLES, sum(sizes)))
    drawn += numpy.repeat(numpy.linspace(-1, 1, len(sizes)) * math.sqrt(0.06) * 2, sizes)
    p = stats.kruskal(*numpy.split(drawn, numpy.cumsum(sizes)[:-1], axis=1), axis=1).pvalue
    yield dict(
        model=model, metric="pass_rate_omnibus", tier1=names[0], tier2=names[-1], n1=sum(sizes),
        power_at_medium_0_3=(p < ALPHA).mean(),
    )


def correlations(model, rows):
    for first, second in PAIRS:
        both = numpy.array([(row[first], row[second]) for row in rows])
        both = both[numpy.isfinite(both).all(axis=1)]
        rho, p = stats.spearmanr(both[:, 0], both[:, 1])
        found = dict(model=model, metric1=first, metric2=second, n=len(both), spearman_rho=rho, p_value=p)
        yield found | dict(is_significant=bool(p < ALPHA))


def interactions(runs, factor):
    """Scheirer, Ray and Hare: Kruskal and Wallis' test with two factors, whose cells are proportional."""
    for metric in CROSSED:
        rows = [row for row in runs if math.isfinite(row[metric])]
        ranks = stats.rankdata([row[metric] for row in rows])
        squares = numpy.var(ranks, ddof=1)

        def explained(labels):
            _, places, counts = numpy.unique(labels, axis=0, return_inverse=True, return_counts=True)
            means = numpy.bincount(places.ravel(), weights=ranks) / counts
            return (counts * (means - ranks.mean()) ** 2).sum() / squares, len(counts)

        (h1, n1), (h2, n2) = explained([row[factor] for row in rows]), explained([row["tier"] for row in rows])
        both, _ = explained([(row[factor], row["tier"]) for row in rows])
        dfs = (n1 - 1, n2 - 1, (n1 - 1) * (n2 - 1))
        for effect, h, df in zip((factor, "tier", "interaction"), (h1, h2, both - h1 - h2), dfs):
            h, p = (h, stats.chi2.sf(h, df)) if df else (0.0, math.nan)
            yield dict(metric=metric, effect=effect, h_statistic=h, df=df, p_value=p, is_significant=bool(p < ALPHA))


def tier_rows(model, tiers):
    for tier, rows in tiers.items():
        verdicts, scores, costs = known(rows, "pass_rate"), known(rows, "score"), known(rows, "cost_usd")
        rate, passed = verdicts.mean(), int(verdicts.sum())
        low, high = (rate, rate) if is_constant(verdicts) else bootstrap((verdicts,), numpy.mean)
        wilson = stats.binomtest(passed, len(verdicts)).proportion_ci(0.95, method="wilson")
        found = dict(model=model, tier=tier, subtests=len({row["subtest"] for row in rows}), n=len(rows), passed=passed)
        found |= dict(pass_rate={"value": rate, "interval": {"low": low, "high": high}})
        found |= dict(wilson={"low": wilson.low, "high": wilson.high}, score=spread(scores), cost=spread(costs))
        found |= dict(impl_rate=spread(known(rows, "impl_rate")), consistency=consistency(scores))
        yield found | dict(cost_usd=costs.sum(), cop=costs.mean() / rate if rate else math.nan)


def subtest_rows(runs):
    keys = ("experiment", "agent_model", "tier", "subtest")
    process = ("r_prog", "cfp", "pr_revert_rate", "strategic_drift")
    for names, rows in grouped(runs, *keys).items():
        verdicts, scores, costs = known(rows, "pass_rate"), known(rows, "score"), known(rows, "cost_usd")
        found = dict(zip(keys, names)) | dict(n=len(rows), pass_rate=verdicts.mean(), score=spread(scores))
        found |= dict(impl_rate=spread(known(rows, "impl_rate")), consistency=consistency(scores))
        found |= dict(mean_cost=costs.mean(), cost_usd=costs.sum(), mean_duration=known(rows, "duration_seconds").mean())
        found |= dict(cop=costs.mean() / verdicts.mean() if verdicts.any() else math.nan)
        yield found | dict(
            process=[spread(known(rows, metric)) for metric in process],
            grades=[sum(row["grade"] == grade for row in rows) for grade in "SABCDF"],
        )


def metric_rows(model, rows):
    for metric in DESCRIBED:
        values = known(rows, metric)
        least, q1, q3, most = numpy.quantile(values, [0, 0.25, 0.75, 1])
        found = dict(model=model, metric=metric, n=len(values), spread=spread(values), min=least, max=most, q1=q1, q3=q3)
        yield found | dict(skew=stats.skew(values), excess_kurtosis=stats.kurtosis(values))


def token_rows(model, tiers):
    columns = {key: f"{key}_tokens" for key in ("input", "output", "cache_read", "cache_creation")}
    for tier, rows in tiers.items():
        yield dict(model=model, tier=tier) | {key: known(rows, column).mean() for key, column in columns.items()}


def judge_rows(rows):
    valid = [row for row in rows if row["judge_is_valid"] != 0]
    for (model,), rows in grouped(valid, "agent_model").items():
        judges = sorted({(row["judge_number"], row["judge_model"]) for row in rows})
        place = {number: at for at, (number, _) in enumerate(judges)}
        runs = grouped(rows, "experiment", "tier", "subtest", "run_number")
        scores, votes = (numpy.full((len(runs), len(judges)), math.nan) for _ in range(2))
        for at, panel in enumerate(runs.values()):
            for row in panel:
                scores[at, place[row["judge_number"]]] = row["judge_score"]
                votes[at, place[row["judge_number"]]] = row["judge_passed"]
        columns = [column[numpy.isfinite(column)] for column in scores.T]
        found = dict(scores=[spread(column) for column in columns], scored=[len(column) for column in columns])
        found |= dict(alpha=alpha(scores[numpy.isfinite(scores).all(axis=1)]), hanging=hanging(votes))
        found |= dict(pairs=[judge_pair(scores, *pair) for pair in itertools.combinations(range(len(judges)), 2)])
        yield dict(agent_model=model, judges=[name for _, name in judges], agreement=found)


def alpha(items):
    """Krippendorff's, of numbers: differences of all pairs from their variance."""
    within = 2 * items.shape[1] * items.var(axis=1).sum() * items.shape[1] / (items.shape[1] - 1) / items.size
    between = 2 * items.size * items.var() * items.size / (items.size * (items.size - 1))
    return 1 - within / between if between else math.nan


def judge_pair(scores, first, second):
    x, y = scores[numpy.isfinite(scores[:, [first, second]]).all(axis=1)][:, [first, second]].T
    tests = {"spearman": stats.spearmanr(x, y), "pearson": stats.pearsonr(x, y)}
    found = {name: {"n": len(x), "rho": test.statistic, "p": test.pvalue} for name, test in tests.items()}
    distances = {"mean_difference": (y - x).mean(), "mean_distance": abs(y - x).mean()}
    return {"first": first, "second": second, "n": len(x)} | found | distances


def hanging(votes):
    given, passes = numpy.isfinite(votes).sum(axis=1), numpy.nansum(votes, axis=1)
    otherwise = passes[:, None] + numpy.where(votes == 1, -1, 1)
    turns = numpy.isfinite(votes) & ((otherwise * 2 > given[:, None]) != (passes * 2 > given)[:, None])
    split, hangs = (passes > 0) & (passes < given), turns.any(axis=1)
    counts = {"runs": (given > 0).sum(), "hanging": hangs.sum(), "split": split.sum(), "narrow": (split & hangs).sum()}
    return counts | {"by_judge": list(turns.sum(axis=0))}


def criterion_rows(rows):
    for (model, criterion), rows in grouped(rows, "agent_model", "criterion").items():
        scores = known(rows, "criterion_score")
        points = numpy.array([(row["criterion_achieved"], row["criterion_max"]) for row in rows])
        given, most = points[numpy.isfinite(points).all(axis=1)].sum(axis=0)
        found = dict(agent_model=model, criterion=criterion, n=len(scores), score=spread(scores))
        yield found | dict(achieved=given / most if most else math.nan)


def main():
    runs, judges, criteria = (list(rows_of(path)) for path in sys.argv[1:4])
    found = defaultdict(list)
    for (model,), rows in sorted(grouped(runs, "agent_model").items()):
        names = sorted({row["tier"] for row in rows}, key=lambda tier: int(re.sub(r"\D", "", tier)))
        tiers = {tier: [row for row in rows if row["tier"] == tier] for tier in names}
        found["normality_tests"] += normality(model, tiers)
        found["omnibus_tests"] += omnibus(model, tiers)
        found["pairwise_comparisons"] += pairwise(model, tiers)
        found["effect_sizes"] += effects(model, tiers)
        found["power_analysis"] += power(model, tiers)
        found["correlations"] += correlations(model, rows)
        found["tiers"] += tier_rows(model, tiers)
        found["metrics"] += metric_rows(model, rows)
        found["tokens"] += token_rows(model, tiers)
    found["interaction_tests"] += interactions(runs, "agent_model")
    found["experiment_interaction_tests"] += interactions(runs, "experiment")
    found["subtests"] += subtest_rows(runs)
    found["judges"] += judge_rows(judges)
    found["criteria"] += criterion_rows(criteria)
    json.dump(plain(found), sys.stdout, allow_nan=False)


main()
