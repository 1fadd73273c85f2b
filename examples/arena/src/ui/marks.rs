//! Where that what can be pressed is, for scripts that play as a person would: the report has it.

use std::collections::BTreeMap;

use eframe::egui::{Context, Id, Response, Ui};

/// The middle of each button and field, in points of the screen, by its words.
pub(crate) type Marks = BTreeMap<String, [f32; 2]>;

/// Remembers where something is that can be pressed in this frame.
pub(super) fn mark(name: &str, response: &Response) {
    let middle = response.rect.center().into();
    response.ctx.data_mut(|data| {
        let marks: &mut Marks = data.get_temp_mut_or_default(key());
        marks.insert(name.to_owned(), middle);
    });
}

/// A button; whether it was pressed.
pub(super) fn button(ui: &mut Ui, words: &str) -> bool {
    let button = ui.button(words);
    mark(words, &button);
    button.clicked()
}

/// All that was remembered in this frame.
pub(super) fn take(context: &Context) -> Marks {
    context.data_mut(|data| data.remove_temp(key()).unwrap_or_default())
}

fn key() -> Id {
    Id::unique("marks")
}
