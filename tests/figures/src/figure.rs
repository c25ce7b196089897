// SPDX-License-Identifier: MIT OR Apache-2.0

//! A picture of times: blocks of rows, each with the shortest, the median and the longest time on one axis.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};
use resvg::{tiny_skia, usvg};

use crate::error::{Error, Result};
use crate::outcome::{Outcome, Verdict, time};
use crate::scale::Scale;

/// A picture.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its files, without an extension.
    pub name: String,
    /// What it compares.
    pub title: String,
    /// What a row is.
    pub rows_are: String,
    /// What it was made on.
    pub made_on: Vec<String>,
    /// Its blocks, from top to bottom.
    pub blocks: Vec<Block>,
}

/// Rows under a heading.
#[derive(Clone, Debug)]
pub struct Block {
    /// The heading.
    pub title: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What stands at its left.
    pub label: String,
    /// Which of the colours it has.
    pub colour: usize,
    /// What came of it.
    pub outcome: Outcome,
}

/// DejaVu Sans is what is drawn with; a browser without it has one of the same widths, or some other.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// plotters divides sizes by this before it writes them into an SVG.
const EM: f64 = 1.24;

/// Colours that are told apart also by the colour-blind (Okabe and Ito); what failed has one of its own.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
const FAILED: RGBColor = RGBColor(213, 30, 0);
const TEXT: RGBColor = RGBColor(30, 30, 30);
const PALE_TEXT: RGBColor = RGBColor(110, 110, 110);
const LINE: RGBColor = RGBColor(195, 195, 195);
const PALE_LINE: RGBColor = RGBColor(232, 232, 232);
const SHADE: RGBColor = RGBColor(246, 246, 248);

/// Sizes in pixels.
const WIDTH: i32 = 1000;
const MARGIN: i32 = 16;
const ROW: i32 = 17;
const HEADING: i32 = 24;
const GAP: i32 = 6;
/// From the top to the axis, and the space for its labels.
const TOP: i32 = 66;
const AXIS: i32 = 22;
/// The columns at the right: the right edges of their texts, from the picture's right edge.
const COLUMNS: [(&str, i32); 3] = [("cured", 176), ("median", 96), ("worst", MARGIN)];
const COLUMNS_WIDTH: i32 = 290;
const LABEL_SIZE: f64 = 12.0;

/// So many pixels of a PNG are one of the picture.
const ZOOM: f32 = 2.0;

impl Figure {
    /// It as SVG.
    ///
    /// # Errors
    ///
    /// [`Error::Draw`].
    pub fn svg(&self) -> Result<String> {
        register_fonts();
        let mut text = String::new();
        let area =
            SVGBackend::with_string(&mut text, (WIDTH as u32, self.height() as u32)).into_drawing_area();
        let drawn = self.draw(&area).and_then(|()| area.present());
        drop(area);
        drawn.map_err(|error| self.error(&error))?;
        Ok(text)
    }

    /// An SVG of it as PNG.
    ///
    /// # Errors
    ///
    /// [`Error::Draw`].
    pub fn png(&self, svg: &str) -> Result<Vec<u8>> {
        let mut options = usvg::Options::default();
        for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
            options.fontdb_mut().load_font_data(font.to_vec());
        }
        let tree = usvg::Tree::from_str(svg, &options).map_err(|error| self.error(&error))?;
        let size = tree.size();
        let (width, height) = (size.width() * ZOOM, size.height() * ZOOM);
        let mut pixels = tiny_skia::Pixmap::new(width as u32, height as u32)
            .ok_or_else(|| self.error(&"no picture of that size"))?;
        resvg::render(&tree, tiny_skia::Transform::from_scale(ZOOM, ZOOM), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| self.error(&error))
    }

    fn error(&self, reason: &dyn ToString) -> Error {
        Error::Draw { name: self.name.clone(), reason: reason.to_string() }
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.blocks.iter().flat_map(|block| &block.rows)
    }

    fn blocks_height(&self) -> i32 {
        self.blocks.iter().map(|block| HEADING + GAP + ROW * block.rows.len() as i32).sum()
    }

    fn height(&self) -> i32 {
        let made_on = self.made_on.len() as i32 * 15 + GAP;
        TOP + AXIS + self.blocks_height() + AXIS + made_on + MARGIN
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn<B> {
        area.fill(&WHITE)?;
        let scale = Scale::of(self.rows().filter_map(|row| row.outcome.times()).flat_map(|(a, _, b)| [a, b]));
        write(area, &self.title, (MARGIN, MARGIN + 9), &font(17.0, TEXT).bold())?;
        let explained = format!(
            "{}. Dot: median; bar: from the shortest to the longest time; {}.",
            self.rows_are,
            scale.name()
        );
        write(area, &explained, (MARGIN, MARGIN + 32), &font(12.0, PALE_TEXT))?;

        let widest = self.rows().map(|row| width(&row.label, LABEL_SIZE)).max().unwrap_or(0);
        let frame = Frame { left: MARGIN + 12 + widest + 12, right: WIDTH - COLUMNS_WIDTH, scale };
        let (top, bottom) = (TOP + AXIS, TOP + AXIS + self.blocks_height());
        frame.draw_axis(area, top, bottom)?;
        for (name, right) in COLUMNS {
            write(area, name, (WIDTH - right, TOP + AXIS - 12), &font(12.0, TEXT).bold().ending_there())?;
        }
        let mut y = top;
        for block in &self.blocks {
            // No line of the axis goes through the heading.
            let edges = [(MARGIN, y + 2), (WIDTH - MARGIN + 4, y + HEADING)];
            area.draw(&Rectangle::new(edges, SHADE.filled()))?;
            write(area, &block.title, (MARGIN + 6, y + 2 + (HEADING - 2) / 2), &font(13.0, TEXT).bold())?;
            y += HEADING;
            for row in &block.rows {
                frame.draw_row(area, row, y + ROW / 2)?;
                y += ROW;
            }
            y += GAP;
        }
        for (number, line) in self.made_on.iter().enumerate() {
            let y = bottom + AXIS + GAP + 7 + 15 * number as i32;
            write(area, line, (MARGIN, y), &font(10.5, PALE_TEXT))?;
        }
        Ok(())
    }
}

type Area<B> = DrawingArea<B, Shift>;
type Drawn<B> = std::result::Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Where times are drawn.
struct Frame {
    left: i32,
    right: i32,
    scale: Scale,
}

impl Frame {
    fn x(&self, seconds: f64) -> i32 {
        self.left + (f64::from(self.right - self.left) * self.scale.place(seconds)).round() as i32
    }

    /// Lines, with labels above and below: a picture may be long.
    fn draw_axis<B: DrawingBackend>(&self, area: &Area<B>, top: i32, bottom: i32) -> Drawn<B> {
        for tick in self.scale.ticks() {
            let x = self.x(tick.seconds);
            let colour = if tick.label.is_some() { LINE } else { PALE_LINE };
            area.draw(&PathElement::new([(x, top), (x, bottom)], colour.stroke_width(1)))?;
            if let Some(label) = tick.label {
                for y in [top - 12, bottom + 12] {
                    write(area, &label, (x, y), &font(11.5, TEXT).centred())?;
                }
            }
        }
        Ok(())
    }

    fn draw_row<B: DrawingBackend>(&self, area: &Area<B>, row: &Row, y: i32) -> Drawn<B> {
        let verdict = row.outcome.verdict();
        let colour = COLOURS[row.colour % COLOURS.len()];
        write(area, &row.label, (MARGIN + 12, y), &font(LABEL_SIZE, TEXT))?;
        let text_colour = match verdict {
            Verdict::Cured => TEXT,
            Verdict::NotNeeded => PALE_TEXT,
            Verdict::Failed => FAILED,
        };
        let mut texts = vec![row.outcome.cured()];
        if let Some((best, median, worst)) = row.outcome.times() {
            let (from, to) = (self.x(best), self.x(worst));
            area.draw(&PathElement::new([(from, y), (to, y)], colour.stroke_width(2)))?;
            for x in [from, to] {
                area.draw(&PathElement::new([(x, y - 4), (x, y + 4)], colour.stroke_width(2)))?;
            }
            area.draw(&Circle::new((self.x(median), y), 5, colour.filled()))?;
            texts.extend([time(median), time(worst)]);
        }
        let style = font(LABEL_SIZE, text_colour).ending_there();
        let style = if verdict == Verdict::Failed { style.bold() } else { style };
        // What is no number of cures needs the other columns' place.
        if texts.len() == 1 && !texts[0].ends_with(|last: char| last.is_ascii_digit()) {
            return write(area, &texts[0], (WIDTH - MARGIN, y), &style);
        }
        COLUMNS
            .iter()
            .zip(&texts)
            .try_for_each(|((_, right), text)| write(area, text, (WIDTH - right, y), &style))
    }
}

/// How a text is written.
struct Style {
    size: f64,
    colour: RGBColor,
    weight: FontStyle,
    place: HPos,
}

fn font(size: f64, colour: RGBColor) -> Style {
    Style { size, colour, weight: FontStyle::Normal, place: HPos::Left }
}

impl Style {
    fn bold(self) -> Self {
        Self { weight: FontStyle::Bold, ..self }
    }

    fn centred(self) -> Self {
        Self { place: HPos::Center, ..self }
    }

    /// Its right end is where it is put.
    fn ending_there(self) -> Self {
        Self { place: HPos::Right, ..self }
    }

    fn text_style(&self) -> TextStyle<'static> {
        let font = FontDesc::new(FontFamily::Name(FONT), self.size * EM, self.weight);
        let (color, pos) = (self.colour.to_backend_color(), Pos::new(self.place, VPos::Center));
        TextStyle { color, pos, ..TextStyle::from(font) }
    }
}

fn write<B: DrawingBackend>(area: &Area<B>, text: &str, place: (i32, i32), style: &Style) -> Drawn<B> {
    area.draw(&Text::new(text.to_owned(), place, style.text_style()))
}

/// How wide a text is, in pixels.
fn width(text: &str, size: f64) -> i32 {
    let style = font(size, TEXT).text_style();
    // A font that is there has a width for every text.
    style.font.box_size(text).map_or(0, |(width, _)| i32::try_from(width).unwrap_or(WIDTH))
}

/// Makes the font known to plotters, which measures texts with it.
fn register_fonts() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let regular = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
        let bold = register_font(FONT, FontStyle::Bold, dejavu::sans::bold());
        assert!(regular.is_ok() && bold.is_ok(), "the fonts of the crate dejavu are fonts");
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::cell;

    fn figure() -> Figure {
        let row = |label: &str, cell| Row { label: label.into(), colour: 0, outcome: Outcome::of([&cell]) };
        let rows = vec![
            row("5.10", cell("5.10", "f", "m", 2, &[0.01, 4.0])),
            row("a kernel with a long name", cell("6.1", "f", "m", 2, &[])),
        ];
        Figure {
            name: "test".into(),
            title: "busy & idle: time <until cured>".into(),
            rows_are: "A row is a kernel".into(),
            made_on: vec!["a machine".into()],
            blocks: vec![Block { title: "signal only".into(), rows }],
        }
    }

    #[test]
    fn an_svg_has_its_texts_and_times() {
        let svg = figure().svg().unwrap();
        let tree = usvg::Tree::from_str(&svg, &usvg::Options::default()).unwrap();
        assert_eq!(tree.size().width(), WIDTH as f32);
        for text in [
            "busy &amp; idle",
            "signal only",
            "a kernel with a long name",
            "4.00 s",
            "0/2",
            "a machine",
            "0.1 s",
        ] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
    }

    #[test]
    fn a_png_shows_texts_without_any_font_of_the_machine() {
        let figure = figure();
        let pixels = |svg: &str| {
            let png = figure.png(svg).unwrap();
            tiny_skia::Pixmap::decode_png(&png).unwrap()
        };
        let svg = figure.svg().unwrap();
        let with_texts = pixels(&svg);
        assert_eq!(with_texts.width(), 2 * WIDTH as u32);
        let start = svg.find("<text").unwrap();
        let end = svg.rfind("</text>").unwrap() + "</text>".len();
        let without = pixels(&format!("{}{}", &svg[..start], &svg[end..]));
        // The first line is the title's.
        let ink = |map: &tiny_skia::Pixmap| {
            map.pixels()[..2 * 2 * (WIDTH * (MARGIN + 20)) as usize]
                .iter()
                .filter(|pixel| pixel.red() < 128)
                .count()
        };
        assert_eq!(ink(&without), 0);
        assert!(ink(&with_texts) > 1000, "{} dark pixels", ink(&with_texts));
    }
}
