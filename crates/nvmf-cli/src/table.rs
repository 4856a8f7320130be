//! Plain tables: one line a row, columns aligned, no frames, easy to cut and grep.

use comfy_table::{ContentArrangement, Table, presets};

use crate::output::clean;

/// The lines of a table: the header, then one line for each row. Cells are cleaned of control
/// characters, empty cells are shown as `-`.
pub(crate) fn lines<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> Vec<String> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|cell| match clean(cell) {
            cell if cell.is_empty() => "-".to_owned(),
            cell => cell.into_owned(),
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_and_cleaned() {
        let rows = vec![
            ["nvme0".into(), "x\u{1b}y".into(), String::new()],
            ["nvme10".into(), "z".into(), "w".into()],
        ];
        assert_eq!(
            lines(["DEVICE", "A", "B"], rows),
            [
                "DEVICE  A         B",
                "nvme0   x\\u{1b}y  -",
                "nvme10  z         w"
            ]
        );
    }
}
