//! Models that come and go, and files that are none.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};

use ratatosk_engine::EngineError;
use ratatosk_engine::testing::{Tiny, tiny_model};
use sha2::{Digest, Sha256};

use super::*;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ratatosk-models-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A file in it.
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn catalogue(&self) -> Catalogue {
        Catalogue::open(&self.0).unwrap()
    }

    /// What lies in the catalogue's folder.
    fn folders(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.join(FOLDER)).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn import(catalogue: &Catalogue, path: &Path, name: &str, in_place: bool) -> Result<Model, CatalogueError> {
    catalogue.import(&Import { path: path.to_owned(), name: name.to_owned(), in_place }, &mut go_on)
}

#[test]
fn a_model_comes_and_goes() {
    let folder = Folder::new();
    let bytes = tiny_model(&Tiny::default());
    let file = folder.file("tiny.gguf", &bytes);
    let catalogue = folder.catalogue();
    let mut told = Vec::new();
    let wanted = Import { path: file.clone(), name: "Tiny.1".to_owned(), in_place: false };
    let model = catalogue
        .import(&wanted, &mut |progress| {
            told.push(progress);
            ControlFlow::Continue(())
        })
        .unwrap();
    let total = bytes.len() as u64;
    assert_eq!(told.last(), Some(&Progress { done: total, total }));
    assert_eq!(model.entry.sha256, hex::encode(Sha256::digest(&bytes)));
    assert_eq!((model.entry.architecture.as_str(), model.entry.chat, model.entry.size), ("llama", true, total));
    assert_eq!(model.problem, None);
    // The file that it came from is needed no more.
    fs::remove_file(&file).unwrap();
    assert_eq!(fs::read(&model.path).unwrap(), bytes);
    let again = folder.catalogue();
    assert_eq!(again.list().unwrap(), std::slice::from_ref(&model));
    assert_eq!(again.get("tiny.1").unwrap(), model);
    let refused = again.remove("Tiny.1", &["max".to_owned()]).unwrap_err();
    assert!(refused.to_string().contains("used by max"), "{refused}");
    again.remove("Tiny.1", &[]).unwrap();
    assert!(matches!(again.get("Tiny.1"), Err(CatalogueError::Unknown { .. })));
    assert!(folder.folders().is_empty());
}

#[test]
fn a_file_can_stay_where_it_lies() {
    let folder = Folder::new();
    let bytes = tiny_model(&Tiny::default());
    let file = folder.file("tiny.gguf", &bytes);
    let catalogue = folder.catalogue();
    let model = import(&catalogue, &file, "tiny", true).unwrap();
    assert_eq!(model.path, fs::canonicalize(&file).unwrap());
    fs::write(&file, &bytes[1..]).unwrap();
    let problem = catalogue.get("tiny").unwrap().problem.unwrap();
    assert!(problem.contains("bytes"), "{problem}");
    fs::remove_file(&file).unwrap();
    assert_eq!(catalogue.list().unwrap()[0].problem.as_deref(), Some("its file is gone"));
    fs::write(&file, &bytes).unwrap();
    catalogue.remove("tiny", &[]).unwrap();
    assert!(file.exists());
}

#[test]
fn what_is_no_model_leaves_nothing_behind() {
    let folder = Folder::new();
    let whole = tiny_model(&Tiny::default());
    let strange = folder.file("web.gguf", b"<!doctype html>");
    let cut = folder.file("cut.gguf", &whole[..whole.len() - 1]);
    let catalogue = folder.catalogue();
    for (path, in_place) in [(&strange, false), (&cut, true), (&cut, false)] {
        let error = import(&catalogue, path, "tiny", in_place).unwrap_err();
        let is_told = matches!(
            &error,
            CatalogueError::Model { error: EngineError::NotGguf { .. } | EngineError::Truncated { .. }, .. }
        );
        assert!(is_told && !error.help().is_empty(), "{error}");
    }
    assert!(matches!(import(&catalogue, &folder.0, "tiny", false), Err(CatalogueError::NotAFile(_))));
    let missing = import(&catalogue, &folder.0.join("no"), "tiny", false).unwrap_err();
    assert!(missing.to_string().contains("cannot find"), "{missing}");
    let file = folder.file("tiny.gguf", &whole);
    assert!(matches!(import(&catalogue, &file, "../tiny", false), Err(CatalogueError::BadName { .. })));
    import(&catalogue, &file, "tiny", false).unwrap();
    assert!(matches!(import(&catalogue, &file, "TINY", false), Err(CatalogueError::Exists { .. })));
    assert_eq!(folder.folders(), ["tiny"]);
}

#[test]
fn an_import_can_be_stopped() {
    let folder = Folder::new();
    let file = folder.file("tiny.gguf", &tiny_model(&Tiny::default()));
    let catalogue = folder.catalogue();
    for in_place in [true, false] {
        let wanted = Import { path: file.clone(), name: "tiny".to_owned(), in_place };
        let stopped = catalogue.import(&wanted, &mut |_| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(CatalogueError::Stopped)));
    }
    assert!(folder.folders().is_empty());
}

#[test]
fn what_a_crash_left_behind_is_swept_away() {
    let folder = Folder::new();
    let file = folder.file("tiny.gguf", &tiny_model(&Tiny::default()));
    import(&folder.catalogue(), &file, "tiny", false).unwrap();
    let dir = folder.0.join(FOLDER);
    for (name, inside) in
        [(".new-1", "model.gguf"), (".old-2", "model.json"), ("strange", "model.json"), ("empty", "x")]
    {
        fs::create_dir(dir.join(name)).unwrap();
        fs::write(dir.join(name).join(inside), b"half").unwrap();
    }
    let catalogue = folder.catalogue();
    assert_eq!(folder.folders(), ["empty", "strange", "tiny"]);
    // What cannot be read takes nothing else along.
    let names: Vec<_> = catalogue.list().unwrap().into_iter().map(|model| model.entry.name).collect();
    assert_eq!(names, ["tiny"]);
    assert!(matches!(catalogue.get("strange"), Err(CatalogueError::Facts { .. })));
}

#[test]
fn a_file_that_grows_is_refused() {
    use std::io::Write;
    let folder = Folder::new();
    let file = folder.file("tiny.gguf", &tiny_model(&Tiny::default()));
    let catalogue = folder.catalogue();
    let wanted = Import { path: file.clone(), name: "tiny".to_owned(), in_place: true };
    let grown = catalogue.import(&wanted, &mut |_| {
        fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"more").unwrap();
        ControlFlow::Continue(())
    });
    assert!(matches!(grown, Err(CatalogueError::Changed(_))), "{grown:?}");
    assert!(folder.folders().is_empty());
}
