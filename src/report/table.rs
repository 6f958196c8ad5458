//! A table in plain text: the first column to the left, numbers to the right.

use console::measure_text_width;

/// Rows of cells, two spaces between columns, each line indented by two. The first column is flush left.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|c| measure_text_width(c)).max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width.saturating_sub(measure_text_width(cell)));
            out += "  ";
            if column == 0 {
                out += cell;
                out += &space;
            } else {
                out += &space;
                out += cell;
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let row = |cells: [&str; 2]| cells.map(String::from).to_vec();
        assert_eq!(
            table(&[row(["phase", "items"]), row(["中文", "1"]), row(["x", "2,796"])]),
            "  phase  items\n  中文       1\n  x      2,796\n"
        );
    }
}
