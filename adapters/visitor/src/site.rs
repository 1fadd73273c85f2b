//! Serves a page on loopback.

use std::path::Path;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

/// Serves wasm-bindgen's folder and this page beside it, until the runtime ends; where it is.
///
/// # Panics
///
/// No port is free.
pub async fn serve(folder: &Path, index: &'static str) -> String {
    let router = Router::new()
        .route("/", get(move || async move { Html(index) }))
        .fallback_service(ServeDir::new(folder));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    site
}
