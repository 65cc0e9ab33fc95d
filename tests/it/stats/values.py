"""Makes values.json: inputs, and what SciPy and NumPy say of them.

    python3 -m venv VENV && VENV/bin/pip install scipy numpy
    VENV/bin/python tests/it/stats/values.py > tests/it/stats/values.json

Each case is {"function", "input", "expected"}; a number with decimals is written as text, null is an answer that cannot be given (SciPy's nan).
Where SciPy has no such function, the value is computed here from its definition, in another way than the product does.
"""

import itertools
import json
import math
import platform
import warnings

import numpy
import scipy
from scipy import special, stats

warnings.simplefilter("ignore")
drawn = numpy.random.RandomState(7)
cases = []


def plain(value):
    """The value as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, numpy.ndarray):
        return [plain(part) for part in value.tolist()]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if value is None or isinstance(value, (bool, str, int)):
        return value
    value = float(value)
    if not math.isfinite(value):
        return None
    # As text, for not every reader of JSON gives the last bit of a number.
    return int(value) if value.is_integer() and abs(value) < 2**53 else repr(value)


def short(values):
    """Drawn numbers with few digits, so that the file stays small."""
    return numpy.round(values, 5)


def case(function, given, expected):
    cases.append({"function": function, "input": plain(given), "expected": plain(expected)})


# Samples: drawn ones of several sizes, with ties, constant, of one number, of pass and fail.
samples = {
    "one": [0.7],
    "two": [0.25, 0.75],
    "three": [0.1, 0.9, 0.4],
    "constant": [0.5] * 6,
    "ties": [0.5, 0.25, 0.5, 1.0, 0.25, 0.5, 0.0, 1.0, 1.0],
    "passes": [1.0] * 17 + [0.0] * 3,
    "mixed": [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0],
    "nine": short(drawn.beta(5, 2, 9)).tolist(),
    "eleven": short(drawn.normal(3, 2, 11)).tolist(),
    "twelve": short(drawn.normal(3, 2, 12)).tolist(),
    "fifty": short(drawn.lognormal(0, 1, 50)).tolist(),
    "rounded": numpy.round(drawn.beta(5, 2, 137), 2).tolist(),
    "many": short(drawn.gamma(2.0, 0.05, 300)).tolist(),
    "large": (1e9 + drawn.normal(0, 1, 40)).tolist(),
}

for values in samples.values():
    n = len(values)
    constant = len(set(values)) == 1
    mean = numpy.mean(values)
    sd = numpy.std(values, ddof=1) if n > 1 else None
    case("mean", values, mean)
    case("median", values, numpy.median(values))
    case("sd", values, sd)
    for share in (0.0, 0.025, 0.25, 0.5, 0.75, 0.9, 1.0):
        case("quantile", [values, share], numpy.quantile(values, share))
    case("skew", values, None if constant else stats.skew(values))
    case("excess_kurtosis", values, None if constant else stats.kurtosis(values))
    consistency = None if sd is None else min(1.0, max(0.0, 1 - sd / mean)) if mean > 0 else 0.0
    case("consistency", values, consistency)
    shapiro = [None, None] if n < 3 or constant else list(stats.shapiro(values))
    case("shapiro_wilk", values, shapiro)
    ranks = stats.rankdata(values)
    case("mid_ranks", values, ranks)
    if n > 1 and not constant:
        ci = stats.bootstrap((values,), numpy.mean, n_resamples=10_000, method="BCa", random_state=42)
        case("bootstrap_mean", values, list(ci.confidence_interval))


def share(passed, n):
    """The BCa interval of a share: what passes of those that are drawn again is binomial, so no draw is needed."""
    rate = passed / n
    draws = stats.binom(n, rate)
    bias = stats.norm.ppf(draws.cdf(passed) - draws.pmf(passed) / 2)
    influences = (numpy.arange(n) < passed) - rate
    acceleration = (influences**3).sum() / (6 * (influences**2).sum() ** 1.5)
    z = stats.norm.ppf([0.025, 0.975])
    return draws.ppf(stats.norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))) / n


for passed, n in ((1, 2), (1, 3), (2, 3), (17, 20), (7, 10), (1, 50), (49, 50), (333, 1_000), (9_990, 10_000), (50_000, 100_000)):
    case("bootstrap_share", [passed, n], share(passed, n))
case("mean", [], None)
case("median", [], None)
case("consistency", [0.0, 0.0, 0.0], 0.0)

# The generator: words, bounded integers, normal numbers.
for seed in (0, 42, 2**32 - 1):
    generator = numpy.random.RandomState(seed)
    case("words", [seed, 5], [int(generator.randint(0, 2**32, dtype=numpy.uint32)) for _ in range(5)])
    for bound in (1, 2, 3, 216, 1080, 65536):
        generator = numpy.random.RandomState(seed)
        case("below", [seed, bound, 20], [int(word) for word in generator.randint(0, bound, 20)])
    generator = numpy.random.RandomState(seed)
    case("normal", [seed, 9], generator.normal(0, 1, 9))

# Proportions.
for passed, n in ((0, 1), (1, 1), (0, 9), (9, 9), (5, 9), (17, 20), (202, 216), (1043, 1080), (3, 10_000)):
    for level in (0.9, 0.95, 0.99):
        interval = stats.binomtest(passed, n).proportion_ci(level, method="wilson")
        case("wilson", [passed, n, level], list(interval))


def newcombe(first, second, level):
    z = special.ndtri(0.5 + level / 2)

    def bounds(passed, n):
        # The roots of |p - rate| = z sqrt(p (1 - p) / n).
        rate = passed / n
        roots = numpy.roots([1 + z * z / n, -(2 * rate + z * z / n), rate * rate])
        return sorted(numpy.real(roots))

    (l1, u1), (l2, u2) = bounds(*first), bounds(*second)
    p1, p2 = first[0] / first[1], second[0] / second[1]
    low = p1 - p2 - math.hypot(p1 - l1, u2 - p2)
    high = p1 - p2 + math.hypot(u1 - p1, p2 - l2)
    return [p1 - p2, low, high]


for first, second in (((56, 70), (48, 80)), ((9, 10), (3, 10)), ((6, 7), (2, 7)), ((17, 40), (12, 40))):
    case("difference", [first, second, 0.95], newcombe(first, second, 0.95))

# Two samples.
pairs = [
    ("nine", "eleven"), ("eleven", "fifty"), ("twelve", "fifty"), ("fifty", "many"), ("ties", "nine"), ("ties", "mixed"),
    ("passes", "mixed"), ("rounded", "ties"), ("constant", "ties"), ("constant", "constant"), ("one", "nine"), ("one", "one"),
    ("three", "two"), ("rounded", "many"), ("many", "rounded"), ("nine", "many"), ("one", "many"),
]
# Eight of each: the largest for which p is exact.
samples["eight"] = short(drawn.normal(0, 1, 8)).tolist()
pairs += [("eight", "many"), ("eight", "nine"), ("nine", "eight"), ("eight", "three")]
for first, second in pairs:
    x, y = samples[first], samples[second]
    tied = len(set(x + y)) == 1
    u, p = stats.mannwhitneyu(x, y)
    case("mann_whitney", [x, y], [u, p])
    signs = numpy.sign(numpy.subtract.outer(x, y))
    case("cliffs_delta", [x, y], signs.mean())
    if min(len(x), len(y)) > 1 and not tied:
        delta = lambda a, b: numpy.mean(numpy.sign(numpy.subtract.outer(a, b)))
        if max(len(x), len(y)) <= 50:
            ci = stats.bootstrap((x, y), delta, n_resamples=2_000, method="BCa", random_state=42, vectorized=False)
            case("bootstrap_delta", [x, y, 2_000], list(ci.confidence_interval))
    if min(len(x), len(y)) > 1 and math.comb(len(x) + len(y), len(x)) <= 20_000:
        difference = lambda a, b, axis: numpy.mean(a, axis=axis) - numpy.mean(b, axis=axis)
        test = stats.permutation_test((x, y), difference, vectorized=True, n_resamples=numpy.inf)
        case("permutation_between", [x, y], [test.statistic, test.pvalue])

for name in ("two", "three", "ties", "nine", "eleven", "twelve"):
    shifted = (numpy.array(samples[name]) - 0.4).tolist()
    test = stats.permutation_test((shifted,), lambda a, axis: numpy.mean(a, axis=axis), permutation_type="samples", n_resamples=numpy.inf, vectorized=True)
    case("permutation_of_signs", shifted, [test.statistic, test.pvalue])

# Several groups.
groups = [
    ["nine", "eleven", "twelve"], ["ties", "mixed", "passes", "rounded"], ["fifty", "many"], ["one", "two", "three"],
    ["constant", "constant"], ["ties", "ties"], ["passes", "mixed"], ["one", "one", "two"],
]
for names in groups:
    lists = [samples[name] for name in names]
    tied = len({value for values in lists for value in values}) == 1
    h, p = (None, None) if tied else stats.kruskal(*lists)
    case("kruskal_wallis", lists, [h, p])

for ps in ([0.01, 0.04, 0.03, 0.005], [0.9, 0.2, 0.2, 0.8], [0.5], [1e-300, 1e-10, 1.0]):
    order = numpy.argsort(ps, kind="stable")
    factors = len(ps) - numpy.arange(len(ps))
    stepped = numpy.minimum(numpy.maximum.accumulate(numpy.array(ps)[order] * factors), 1)
    corrected = numpy.empty(len(ps))
    corrected[order] = stepped
    case("holm", ps, corrected)


def scheirer_ray_hare(a, b, values):
    """The sums of squares by regression on indicators of the levels, in sequence."""
    ranks = stats.rankdata(values)

    def explained(labels):
        levels = sorted(set(labels))
        design = numpy.array([[1.0] + [float(label == level) for level in levels[1:]] for label in labels])
        fitted = design @ numpy.linalg.lstsq(design, ranks, rcond=None)[0]
        return ((fitted - ranks.mean()) ** 2).sum()

    ms = numpy.var(ranks, ddof=1)
    ss = [explained(a), explained(b)]
    ss.append(explained(list(zip(a, b))) - ss[0] - ss[1])
    df = [len(set(a)) - 1, len(set(b)) - 1]
    df.append(df[0] * df[1])
    return [[s / ms, d, stats.chi2.sf(s / ms, d)] if d else [0.0, 0, None] for s, d in zip(ss, df)]


for levels_a, levels_b, each, digits in ((2, 3, 5, 9), (3, 4, 4, 1), (1, 3, 6, 2), (4, 1, 3, 2), (1, 1, 5, 2)):
    a = [i for i in range(levels_a) for _ in range(levels_b * each)]
    b = [j for _ in range(levels_a) for j in range(levels_b) for _ in range(each)]
    values = numpy.round(drawn.normal(0, 1, len(a)) + 0.7 * numpy.array(b), digits).tolist()
    case("scheirer_ray_hare", [a, b, values], scheirer_ray_hare(a, b, values))

# Pairs of numbers.
x = short(drawn.normal(0, 1, 500))
paired = [
    (x, short(x + drawn.normal(0, 1, 500))), (x, -x), (x, short(x ** 3 + drawn.normal(0, 0.01, 500))), (x[:3], x[3:6]), (x[:30], x[30:60]),
    (numpy.round(x[:200], 1), numpy.round(x[:200] + x[200:400], 0)), (x[:9], numpy.ones(9)), (x[:2], x[2:4]),
]
for left, right in paired:
    given = [left, right]
    if len(left) < 3:
        case("spearman", given, [None, None])
        continue
    case("spearman", given, list(stats.spearmanr(left, right)))
    case("pearson", given, list(stats.pearsonr(left, right)))


# Judges.
def alpha(items):
    """From all pairs of values, without sums of squares."""
    items = [item for item in items if None not in item]
    flat = [value for item in items for value in item]
    within = sum((a - b) ** 2 for item in items for a, b in itertools.permutations(item, 2)) / (len(items[0]) - 1)
    between = sum((a - b) ** 2 for a, b in itertools.permutations(flat, 2)) / (len(flat) - 1)
    return 1 - within / between if between else None


scores = numpy.round(drawn.beta(5, 2, (40, 3)), 2)
scores[:, 1] = numpy.clip(scores[:, 0] + drawn.normal(0, 0.05, 40), 0, 1)
items = scores.tolist()
case("krippendorff_alpha", items, alpha(items))
items[3][1] = items[7][2] = None
case("krippendorff_alpha", items, alpha(items))
case("krippendorff_alpha", [item[:2] for item in items if item[1] is not None], alpha([item[:2] for item in items]))
case("krippendorff_alpha", [[0.5, 0.5]] * 4, None)

# pass@k and pass^k, from binomial coefficients.
for n, passed in ((1, 0), (1, 1), (5, 2), (10, 3), (10, 10), (200, 13)):
    for k in (1, 2, 3, 5, 10, 11):
        whole = special.comb(n, k, exact=True)
        case("pass_at", [k, passed, n], 1 - special.comb(n - passed, k, exact=True) / whole if whole else None)
        case("pass_all", [k, passed, n], special.comb(passed, k, exact=True) / whole if whole else None)

# Differences by subtest.
for subtests, runs in ((2, 1), (12, 3), (40, 5)):
    former = drawn.binomial(1, 0.6, (subtests, runs)).astype(float)
    later = drawn.binomial(1, 0.75, (subtests, runs)).astype(float)
    differences = later.mean(axis=1) - former.mean(axis=1)
    test = stats.ttest_1samp(differences, 0)
    case("paired", [later, former, 0.95], [differences.mean(), *test.confidence_interval(0.95)])
    centred = later - later.mean()
    error = math.sqrt(subtests / (subtests - 1) * (centred.sum(axis=1) ** 2).sum()) / later.size
    interval = stats.t.interval(0.95, subtests - 1, later.mean(), error)
    case("clustered_mean", [later, 0.95], [later.mean(), *(interval if error > 0 else [later.mean()] * 2)])

# Power: the same made-up samples, tested by SciPy.
for n1, n2, delta in ((20, 15, 0.3), (9, 12, 0.5), (8, 30, 0.4), (5, 5, 0.9)):
    generator = numpy.random.RandomState(42)
    shift = math.sqrt(2) * special.ndtri((delta + 1) / 2)
    seen = sum(stats.mannwhitneyu(generator.normal(0, 1, n1), generator.normal(shift, 1, n2)).pvalue < 0.05 for _ in range(500))
    case("power_mann_whitney", [n1, n2, delta, 500], seen / 500)
for sizes, effect in (([10, 12, 9], 0.06), ([30, 20, 25, 28], 0.02)):
    generator = numpy.random.RandomState(42)
    shifts = numpy.linspace(-1, 1, len(sizes)) * math.sqrt(effect) * 2
    seen = sum(
        stats.kruskal(*[generator.normal(shift, 1, size) for shift, size in zip(shifts, sizes)]).pvalue < 0.05
        for _ in range(500)
    )
    case("power_kruskal_wallis", [sizes, effect, 500], seen / 500)


def power_of_pass_rates(p1, n1, p2, n2):
    power = 0.0
    for a, b in itertools.product(range(n1 + 1), range(n2 + 1)):
        x, y = [1.0] * a + [0.0] * (n1 - a), [1.0] * b + [0.0] * (n2 - b)
        p = 1.0 if len(set(x + y)) == 1 else stats.mannwhitneyu(x, y, method="asymptotic").pvalue
        power += stats.binom.pmf(a, n1, p1) * stats.binom.pmf(b, n2, p2) * (p < 0.05)
    return power


for p1, n1, p2, n2 in ((0.9, 20, 0.5, 20), (0.7, 15, 1.0, 25), (0.0, 9, 0.3, 12)):
    case("power_of_pass_rates", [p1, n1, p2, n2], power_of_pass_rates(p1, n1, p2, n2))

versions = {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__}
lines = ",\n".join(json.dumps(one, allow_nan=False, separators=(",", ":")) for one in cases)
print('{"versions": %s, "cases": [\n%s\n]}' % (json.dumps(versions), lines))
