// Run import_and_send.py with the Python of Pyodide.
//
//     node run_in_wasm.mjs PYODIDE PACKAGES... PROGRAM
//
// PYODIDE is the folder of the npm package, PACKAGES are folders for the path of Python.
import { readFileSync } from "node:fs";

const [pyodide, ...rest] = process.argv.slice(2);
const program = rest.pop();
const { loadPyodide } = await import(`${pyodide}/pyodide.mjs`);
const python = await loadPyodide();
python.setStdout({ batched: (line) => console.log(line) });
rest.forEach((folder, number) => {
  python.mountNodeFS(`/path${number}`, folder);
  python.runPython(`import sys; sys.path.insert(${number}, "/path${number}")`);
});
python.runPython("import warnings; warnings.simplefilter('error')");
const names = python.toPy({ __name__: "program" });
python.runPython(readFileSync(program, "utf-8"), { globals: names });
python.runPython("main()", { globals: names });
await python.runPythonAsync("await main_async()", { globals: names });
