// Read the endpoint types of @fal-ai/client with the TypeScript compiler and print
// them as JSON: facts only (names, types, enums, defaults, required), no descriptions.
//
// usage: node read_types.mjs DIRECTORY_WITH_NODE_MODULES
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const root = path.resolve(process.argv[2]);
const require = createRequire(path.join(root, "package.json"));
const ts = require("typescript");
// The package does not export its package.json, so find it by its folder.
const folder = path.join(root, "node_modules/@fal-ai/client");
const file = path.join(folder, "src/types/endpoints.d.ts");
const program = ts.createProgram([file], { strict: true, skipLibCheck: true });
const checker = program.getTypeChecker();
const source = program.getSourceFile(file);
const DEFAULT = "Default value: ";
const AUDIO = ["audio", "audios", "audio_file", "audio_url"];

// The default is at the end of a field's comment, in backticks.
function readDefault(symbol) {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  const at = text.lastIndexOf(DEFAULT);
  if (at < 0) return undefined;
  const rest = text.slice(at + DEFAULT.length).trim();
  if (!rest.startsWith("`")) return undefined;
  const value = rest.slice(1, rest.indexOf("`", 1));
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function getName(type) {
  return (type.aliasSymbol ?? type.symbol)?.name;
}

// If a client may upload a file, the type is a union of string, Blob and File.
function isFile(types) {
  return types.some((each) => getName(each) === "Blob" || getName(each) === "File");
}

function readUnion(parts, depth) {
  let types = parts.filter((each) => !(each.flags & ts.TypeFlags.Undefined));
  const shape = {};
  if (types.some((each) => each.flags & ts.TypeFlags.Null)) shape.nullable = true;
  types = types.filter((each) => !(each.flags & ts.TypeFlags.Null));
  if (isFile(types)) return { ...shape, type: "string", file: true };
  if (types.every((each) => each.flags & ts.TypeFlags.BooleanLike))
    return { ...shape, type: "boolean" };
  if (types.length && types.every((each) => each.isStringLiteral() || each.isNumberLiteral()))
    return { ...shape, enum: types.map((each) => each.value) };
  if (types.length === 1) return { ...shape, ...readShape(types[0], depth) };
  const literals = types.filter((each) => each.isStringLiteral() || each.isNumberLiteral());
  const booleans = types.filter((each) => each.flags & ts.TypeFlags.BooleanLike);
  const others = types.filter((each) => !literals.includes(each) && !booleans.includes(each));
  const anyOf = others.map((each) => readShape(each, depth));
  if (literals.length) anyOf.push({ enum: literals.map((each) => each.value) });
  if (booleans.length) anyOf.push({ type: "boolean" });
  return anyOf.length === 1 ? { ...shape, ...anyOf[0] } : { ...shape, anyOf };
}

function readShape(type, depth) {
  if (depth > 8) throw new Error("A type refers to itself.");
  if (type.isUnion()) return readUnion(type.types, depth);
  if (type.isStringLiteral() || type.isNumberLiteral()) return { enum: [type.value] };
  if (type.flags & ts.TypeFlags.BooleanLike) return { type: "boolean" };
  if (type.flags & ts.TypeFlags.StringLike) return { type: "string" };
  if (type.flags & ts.TypeFlags.NumberLike) return { type: "number" };
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
  if (checker.isArrayType(type))
    return { type: "array", items: readShape(checker.getTypeArguments(type)[0], depth + 1) };
  if (checker.isTupleType(type)) {
    const items = checker.getTypeArguments(type).map((each) => readShape(each, depth + 1));
    return { type: "array", items: items[0] ?? {}, minItems: items.length, maxItems: items.length };
  }
  const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
  if (index) {
    const extra = readShape(index.type, depth + 1);
    return { type: "object", additionalProperties: Object.keys(extra).length ? extra : true };
  }
  return readObject(type, depth);
}

// The compiler sorts the members of a union; restore the order of the source.
function sortAsInSource(shape, declaration) {
  if (!declaration?.type) return;
  const order = [];
  const walk = (node) => {
    if (ts.isLiteralTypeNode(node) && "text" in node.literal)
      order.push(ts.isNumericLiteral(node.literal) ? Number(node.literal.text) : node.literal.text);
    ts.forEachChild(node, walk);
  };
  walk(declaration.type);
  const sort = (each) => each.enum?.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  sort(shape);
  shape.anyOf?.forEach(sort);
  if (shape.items) sort(shape.items);
}

function readObject(type, depth) {
  const properties = {};
  const required = [];
  for (const symbol of checker.getPropertiesOfType(type)) {
    const field = readShape(checker.getTypeOfSymbolAtLocation(symbol, source), depth + 1);
    sortAsInSource(field, symbol.valueDeclaration);
    const value = readDefault(symbol);
    if (value !== undefined) field.default = value;
    if (!(symbol.flags & ts.SymbolFlags.Optional)) required.push(symbol.name);
    properties[symbol.name] = field;
  }
  const shape = { type: "object", properties };
  if (required.length) shape.required = required;
  if (getName(type) && getName(type) !== "__type") shape.name = getName(type);
  return shape;
}

// Whether an endpoint returns images, audio, or text with timestamps.
function isServed(names) {
  if (["image", "images", ...AUDIO].some((each) => names.includes(each))) return true;
  return names.includes("text") && (names.includes("chunks") || names.includes("words"));
}

const map = source.statements.find(
  (each) => ts.isTypeAliasDeclaration(each) && each.name.text === "EndpointTypeMap",
);
const endpoints = {};
let total = 0;
for (const symbol of checker.getPropertiesOfType(checker.getTypeAtLocation(map))) {
  total += 1;
  const entry = checker.getTypeOfSymbolAtLocation(symbol, source);
  const half = (name) =>
    checker.getTypeOfSymbolAtLocation(checker.getPropertyOfType(entry, name), source);
  const output = half("output");
  if (!isServed(checker.getPropertiesOfType(output).map((each) => each.name))) continue;
  endpoints[symbol.name] = { input: readShape(half("input"), 0), output: readShape(output, 0) };
}
const { version } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
console.log(JSON.stringify({ version, total, endpoints }));
