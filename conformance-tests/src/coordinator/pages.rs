//! What a browser loads: two small pages of ours, and the participant that wasm-bindgen has made of `conformance-page`.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Names the folder with the output of `wasm-bindgen --target web`.
pub(crate) const FOLDER: &str = "CONFORMANCE_PAGE";

/// Whether there is a participant for browsers.
pub(crate) fn is_named() -> bool {
    std::env::var_os(FOLDER).is_some()
}

/// The participant, read when a browser asks for it first.
#[derive(Clone, Default)]
pub(super) struct Pages(Arc<OnceLock<Result<Program, String>>>);

struct Program {
    script: Bytes,
    wasm: Bytes,
}

impl Pages {
    /// The file of this name, if it is one of ours.
    pub(super) fn file(&self, name: &str) -> Response {
        let page = |page: &'static str| html(page).into_response();
        match name {
            "hub.html" => page(include_str!("../../page/hub.html")),
            "puppet.html" => page(include_str!("../../page/puppet.html")),
            "conformance_page.js" => {
                self.program("text/javascript", |program| program.script.clone())
            }
            "conformance_page_bg.wasm" => {
                self.program("application/wasm", |program| program.wasm.clone())
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn program(&self, kind: &'static str, part: impl Fn(&Program) -> Bytes) -> Response {
        match self.0.get_or_init(read) {
            Ok(program) => ([(header::CONTENT_TYPE, kind)], part(program)).into_response(),
            Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why.clone()).into_response(),
        }
    }
}

fn html(page: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page)
}

fn read() -> Result<Program, String> {
    let folder = std::env::var_os(FOLDER).ok_or_else(|| format!("{FOLDER} names no folder"))?;
    let file = |name: &str| {
        let path = Path::new(&folder).join(name);
        std::fs::read(&path)
            .map(Bytes::from)
            .map_err(|error| format!("{FOLDER}: {}: {error}", path.display()))
    };
    Ok(Program {
        script: file("conformance_page.js")?,
        wasm: file("conformance_page_bg.wasm")?,
    })
}
