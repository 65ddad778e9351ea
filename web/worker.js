// Keys, encryption, decryption and verification, away from the page's thread. Secret keys come in and go out of here only to the page.
let library = null;

self.onmessage = async ({ data: { id, path, argument } }) => {
  try {
    library ??= import("./blindproof/index.js").then((module) => module.load());
    const loaded = await library;
    const [group, name] = path.split(".");
    const result = name ? loaded[group][name](...argument) : loaded[group](...argument);
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, error: { code: error.code ?? "unavailable", place: error.place ?? "", message: error.message } });
  }
};
