//! The chart of setups: how often each passes, with its interval, against what a run costs. It is readable without colour: setups on
//! the frontier are filled diamonds on a line, the others open circles, or triangles where a cost is only known to be at least so
//! much. Its numbers are in the table below it.

use super::super::{ExperimentReport, SetupReport};
use crate::text::escape::xml;
use crate::text::page::Page;
use crate::text::words::{counted, list, percent};

/// The size of the picture and the borders of what is drawn in it, in units of the picture.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 52.0;
/// Marks that are nearer than this are named together.
const NEAR: f64 = 9.0;
/// A label takes so much room: the width of a letter, and its height.
const LETTER: f64 = 8.2;
const LABEL: f64 = 14.0;
/// So many setups are named by one label.
const MOST_NAMED: usize = 3;
/// About so many ticks stand on the axis of costs.
const TICKS: f64 = 5.0;

/// A setup in the picture.
struct Mark {
    name: String,
    cost: f64,
    rate: f64,
    low: f64,
    high: f64,
    is_on_frontier: bool,
    /// Whether its cost is known; else it is at least this.
    is_whole: bool,
    x: f64,
    y: f64,
}

fn name(setup: &SetupReport) -> String {
    format!("{}/{}", setup.tier, setup.subtest)
}

fn y_of(rate: f64) -> f64 {
    TOP + (1.0 - rate) * (HEIGHT - TOP - BOTTOM)
}

fn x_of(cost: f64, most: f64) -> f64 {
    LEFT + cost / most * (WIDTH - LEFT - RIGHT)
}

/// Adds the chart of an experiment; nothing where no setup can be drawn. Controls stand in the table alone.
pub(super) fn add(page: &mut Page, experiment: &ExperimentReport, number: usize) {
    let judged = experiment.setups.iter().filter(|setup| setup.is_measured());
    let (drawn, not_drawn): (Vec<&SetupReport>, Vec<&SetupReport>) =
        judged.partition(|setup| setup.summary.cost.at_least().is_some() && setup.summary.pass_rate.is_some());
    if drawn.is_empty() {
        return;
    }
    let cost = |setup: &SetupReport| setup.summary.cost.mean_of(setup.summary.judged).known.dollars();
    let some_cost_more = drawn.iter().any(|setup| !setup.summary.cost.is_whole());
    let step = step(drawn.iter().map(|setup| cost(setup)).fold(0.0, f64::max));
    let highest = drawn.iter().map(|setup| cost(setup)).fold(step, f64::max);
    // Room for the mark of the dearest one, and for its name.
    let most = (highest * 1.04 / step).ceil() * step;
    let mark = |setup: &&SetupReport| {
        let rate = setup.summary.pass_rate.map_or(0.0, |rate| rate.value);
        let (low, high) = setup.summary.wilson.map_or((rate, rate), |interval| (interval.low, interval.high));
        let cost = cost(setup);
        let (is_on_frontier, is_whole) = (setup.is_on_frontier, setup.summary.cost.is_whole());
        Mark { name: name(setup), cost, rate, low, high, is_on_frontier, is_whole, x: x_of(cost, most), y: y_of(rate) }
    };
    let marks: Vec<Mark> = drawn.iter().map(mark).collect();
    page.line(format_args!(
        "<figure>\n<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
        aria-labelledby=\"chart-{number}-title chart-{number}-about\">"
    ));
    page.line(format_args!("<title id=\"chart-{number}-title\">Pass rate against the cost of a run</title>"));
    page.line(format_args!(
        "<desc id=\"chart-{number}-about\">{}, each with its 95 % interval. On the frontier: {}. All numbers are in the table of \
         setups.</desc>",
        counted(marks.len(), "setup"),
        frontier_names(&marks)
    ));
    add_axes(page, most, step);
    add_marks(page, &marks);
    page.line("</svg>\n<figcaption>");
    page.line(
        "Share of runs that passed, with its 95 % interval (Wilson), against the mean cost of a run. \
        ◆ on the frontier: no other setup passes as often for less. ○ any other setup.",
    );
    if some_cost_more {
        page.line("▷ costs at least so much: not all of its cost is known, so it is on no frontier.");
    }
    if !not_drawn.is_empty() {
        let names: Vec<String> = not_drawn.iter().map(|setup| name(setup)).collect();
        page.line(format_args!("Not drawn, for nothing is known of the cost: {}.", xml(&some(&names))));
    }
    if experiment.setups.iter().any(|setup| setup.control.is_some()) {
        page.line("Controls are not drawn.");
    }
    page.line("</figcaption>\n</figure>");
}

fn frontier_names(marks: &[Mark]) -> String {
    let names: Vec<String> = marks.iter().filter(|mark| mark.is_on_frontier).map(|mark| mark.name.clone()).collect();
    if names.is_empty() { "none".to_owned() } else { some(&names) }
}

/// The first names, and how many more there are.
fn some(names: &[String]) -> String {
    const MOST: usize = 12;
    let mut some: Vec<String> = names.iter().take(MOST).cloned().collect();
    if names.len() > MOST {
        some.push(format!("{} more", names.len() - MOST));
    }
    list(&some)
}

/// A round distance between ticks.
fn step(most: f64) -> f64 {
    if most <= 0.0 {
        return 0.01;
    }
    let rough = most / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    round.unwrap_or(10.0) * power
}

fn add_axes(page: &mut Page, most: f64, step: f64) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = y_of(tick);
        page.line(format_args!("<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>"));
        page.line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"end\">{:.0} %</text>",
            LEFT - 8.0,
            y + 4.0,
            tick * 100.0
        ));
    }
    let decimals = decimals(step);
    let mut number = 0.0;
    while number * step <= most * 1.001 {
        let x = x_of(number * step, most);
        page.line(format_args!("<path class=\"tick\" d=\"M{x:.1} {bottom}v5\"/>"));
        page.line(format_args!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" class=\"middle\">${:.decimals$}</text>",
            bottom + 20.0,
            number * step
        ));
        number += 1.0;
    }
    page.line(format_args!("<path class=\"axis\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>"));
    page.line(format_args!(
        "<text x=\"{:.1}\" y=\"{:.1}\" class=\"middle title\">mean cost of a run</text>",
        f64::midpoint(LEFT, right),
        HEIGHT - 10.0
    ));
    let middle = f64::midpoint(TOP, bottom);
    page.line(format_args!(
        "<text transform=\"translate(14 {middle:.1}) rotate(-90)\" class=\"middle title\">passed</text>"
    ));
}

/// How many decimals tell ticks apart: cents, or as many as it takes.
fn decimals(step: f64) -> usize {
    match step {
        step if step >= 1.0 => 0,
        step if step >= 0.01 => 2,
        _ => (3..9)
            .zip([0.001, 0.0001, 1e-5, 1e-6, 1e-7])
            .find(|(_, least)| step >= *least)
            .map_or(8, |(count, _)| count),
    }
}

fn add_marks(page: &mut Page, marks: &[Mark]) {
    let mut frontier: Vec<&Mark> = marks.iter().filter(|mark| mark.is_on_frontier).collect();
    frontier.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.rate.total_cmp(&b.rate)));
    if let [first, rest @ ..] = frontier.as_slice() {
        let steps: Vec<String> = rest.iter().map(|mark| format!("H{:.1}V{:.1}", mark.x, mark.y)).collect();
        let steps = steps.concat();
        page.line(format_args!("<path class=\"frontier-line\" d=\"M{:.1} {:.1}{steps}\"/>", first.x, first.y));
    }
    for mark in marks {
        let class = if mark.is_on_frontier { "mark frontier" } else { "mark" };
        let (x, low, high) = (mark.x, y_of(mark.low), y_of(mark.high));
        let passed = percent(mark.rate);
        page.line(format_args!(
            "<g class=\"{class}\"><title>{}: passed {passed}, {}${:.4} a run</title><path class=\"interval\" \
             d=\"M{:.1} {high:.1}h8m-4 0V{low:.1}m-4 0h8\"/>{}</g>",
            xml(&mark.name),
            if mark.is_whole { "" } else { "at least " },
            mark.cost,
            x - 4.0,
            shape(mark)
        ));
    }
    add_labels(page, marks);
}

fn shape(mark: &Mark) -> String {
    let (x, y) = (mark.x, mark.y);
    if mark.is_on_frontier {
        format!("<path class=\"shape\" d=\"M{x:.1} {:.1}l7 7l-7 7l-7 -7z\"/>", y - 7.0)
    } else if !mark.is_whole {
        format!("<path class=\"shape\" d=\"M{:.1} {:.1}l11 6l-11 6z\"/>", x - 4.0, y - 6.0)
    } else {
        format!("<circle class=\"shape\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>")
    }
}

/// Names marks where there is room: those on the frontier first.
fn add_labels(page: &mut Page, marks: &[Mark]) {
    let mut order: Vec<&Mark> = marks.iter().collect();
    order.sort_by_key(|mark| !mark.is_on_frontier);
    let mut is_done: Vec<bool> = vec![false; order.len()];
    // Left, top, right and bottom of what is taken.
    let mut taken: Vec<[f64; 4]> =
        marks.iter().map(|mark| [mark.x - 6.0, mark.y - 6.0, mark.x + 6.0, mark.y + 6.0]).collect();
    for place in 0..order.len() {
        if is_done[place] {
            continue;
        }
        let mark = order[place];
        let near: Vec<usize> = (place..order.len())
            .filter(|other| !is_done[*other] && (order[*other].x - mark.x).hypot(order[*other].y - mark.y) < NEAR)
            .collect();
        for other in &near {
            is_done[*other] = true;
        }
        let mut names: Vec<&str> = near.iter().take(MOST_NAMED).map(|other| order[*other].name.as_str()).collect();
        let more = format!("+{}", near.len().saturating_sub(MOST_NAMED));
        if near.len() > MOST_NAMED {
            names.push(&more);
        }
        let label = names.join(", ");
        let letters: f64 = label.chars().map(|_| LETTER).sum();
        let boxes = [(9.0, -4.0), (-9.0 - letters, -4.0), (9.0, LABEL), (-9.0 - letters, LABEL)];
        let room = boxes.into_iter().find_map(|(dx, dy)| {
            let (x, y) = (mark.x + dx, mark.y + dy);
            let wanted = [x, y - LABEL + 2.0, x + letters, y + 2.0];
            let fits = wanted[0] >= LEFT && wanted[2] <= WIDTH && wanted[1] >= 0.0 && wanted[3] <= HEIGHT - BOTTOM;
            let is_free = taken.iter().all(|other| !meets(wanted, *other));
            (fits && is_free).then_some((x, y, wanted))
        });
        if let Some((x, y, wanted)) = room {
            taken.push(wanted);
            page.line(format_args!("<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", xml(&label)));
        }
    }
}

fn meets(a: [f64; 4], b: [f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

#[cfg(test)]
mod tests {
    use super::{meets, step};

    #[test]
    fn ticks_stand_at_round_numbers() {
        let steps: Vec<String> = [0.0, 0.3, 1.0, 7.3, 4200.0].iter().map(|most| step(*most).to_string()).collect();
        assert_eq!(steps, ["0.01", "0.1", "0.2", "2", "1000"]);
    }

    #[test]
    fn labels_that_only_touch_do_not_meet() {
        assert!(meets([0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 3.0, 3.0]));
        assert!(!meets([0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 2.0, 1.0]));
    }
}
