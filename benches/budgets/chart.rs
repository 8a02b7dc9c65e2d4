//! The chart: what one run costs, and what memory in the test process does to it.

use std::error::Error;

use plotters::prelude::*;

use crate::table::{Row, Unit};

const SIZE: (u32, u32) = (960, 400);
const OURS: RGBColor = RGBColor(0xb2, 0x3a, 0x48);
const THEIRS: RGBColor = RGBColor(0x6b, 0x7a, 0x8f);

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

pub(crate) fn draw(rows: &[Row], path: &str) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let thirds = area.split_evenly((1, 3));
    bars(&thirds[0], "a function's exit, ms", &compared(rows, "function"))?;
    bars(&thirds[1], "true, both streams captured, ms", &compared(rows, "program"))?;
    lines(&thirds[2], rows)?;
    area.present()?;
    Ok(())
}

/// The first row of a topic, and all that the same work was compared with: names and milliseconds.
fn compared(rows: &[Row], topic: &str) -> Vec<(String, f64)> {
    let of_topic: Vec<&Row> =
        rows.iter().filter(|row| row.topic == topic && row.unit == Unit::Nanoseconds).collect();
    let Some(first) = of_topic.first() else { return Vec::new() };
    let mut bars = vec![("exeunt".to_owned(), first.value / 1e6)];
    for peer in of_topic.iter().filter_map(|row| row.peer.as_ref()) {
        let name = peer.name.trim_matches('`').to_owned();
        if bars.iter().all(|(known, _)| *known != name) {
            bars.push((name, peer.value / 1e6));
        }
    }
    bars.sort_by(|a, b| b.1.total_cmp(&a.1));
    bars
}

fn bars(area: &Area<'_>, title: &str, bars: &[(String, f64)]) -> Result<(), Box<dyn Error>> {
    let most = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(110)
        .build_cartesian_2d(0.0..most * 1.25, (0..bars.len()).into_segmented())?;
    let name = |place: &SegmentValue<usize>| match place {
        SegmentValue::CenterOf(index) | SegmentValue::Exact(index) => {
            bars.get(*index).map_or_else(String::new, |(name, _)| name.clone())
        }
        SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .max_light_lines(1)
        .x_labels(5)
        .y_label_formatter(&name)
        .label_style(("sans-serif", 12))
        .draw()?;
    chart.draw_series(bars.iter().enumerate().map(|(index, (name, value))| {
        let color = if name == "exeunt" { OURS } else { THEIRS };
        let corners = [(0.0, SegmentValue::Exact(index)), (*value, SegmentValue::Exact(index + 1))];
        let mut bar = Rectangle::new(corners, color.filled());
        bar.set_margin(8, 8, 0, 0);
        bar
    }))?;
    chart.draw_series(bars.iter().enumerate().map(|(index, (_, value))| {
        let place = (value + most * 0.02, SegmentValue::CenterOf(index));
        Text::new(format!("{value:.2}"), place, ("sans-serif", 12))
    }))?;
    Ok(())
}

/// Medians in milliseconds over the GiB that were resident.
fn lines(area: &Area<'_>, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let series = |what: &str| {
        let mut points = Vec::new();
        for row in rows.iter().filter(|row| row.topic == "memory" && row.what.starts_with(what)) {
            let Some(peer) = row.peer.as_ref().filter(|peer| peer.name.ends_with("nothing resident")) else {
                continue;
            };
            if points.is_empty() {
                points.push((0.0, peer.value / 1e6));
            }
            let size = row.what.split(' ').find_map(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
            points.push((size, row.value / 1e6));
        }
        points
    };
    let all = [("exeunt", series("function"), OURS), ("bare fork", series("bare fork"), THEIRS)];
    let mut chart = ChartBuilder::on(area)
        .caption("ms, by GiB resident in the test process", ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(44)
        .build_cartesian_2d(-0.2..4.6, (0.05..300.0).log_scale())?;
    chart.configure_mesh().max_light_lines(1).x_labels(5).label_style(("sans-serif", 12)).draw()?;
    for (name, points, color) in all {
        chart.draw_series(LineSeries::new(points.clone(), color.stroke_width(2)).point_size(4))?;
        if let Some((size, value)) = points.last() {
            let place = (size - 1.2, value * 1.6);
            chart.draw_series([Text::new(name, place, ("sans-serif", 12).into_font().color(&color))])?;
        }
    }
    Ok(())
}
