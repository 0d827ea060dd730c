// A parser of formulas: the text becomes a tree, by the grammar that Python's parser reads, which the page has as data.
//
// A piece of the tree has its `kind`, and where it starts and ends in the text. No text is ever run.

const NUMBER = /(?:0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?|\d(?:_?\d)*\.?(?:[eE][+-]?\d(?:_?\d)*)?)[jJ]?/y;
const NAME = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;
const SIGN = /\*\*|\/\/|[<>=!]=|\.\.\.|[-+*/%@<>=,;.:()[\]]/y;
const TEXT = /'[\w<>=|,. -]{0,60}'|"[\w<>=|,. -]{0,60}"/y;

function parserOf(grammar) {
  const { limits, strange } = grammar;
  const say = sayings(grammar.messages);
  const keywords = new Set(grammar.keywords.split(" "));
  const binary = new Map(grammar.binary.map(([sign, ...rest]) => [sign, rest]));
  const unary = new Map(grammar.unary.map(([sign, ...rest]) => [sign, rest]));

  // The text of a formula as one expression; raises FormulaError for anything else.
  function parse(typed) {
    const source = typed.replace(/\r\n?/g, "\n").replaceAll("−", "-").trim();
    const where = place => {
      const lines = source.slice(0, place).split("\n"), column = `column ${[...lines.at(-1)].length + 1}`;
      return source.includes("\n") ? `line ${lines.length}, ${column}` : column;
    };
    const fail = (place, key, values) => { throw new FormulaError(`${where(place)}: ${say(key, values)}`); };
    const tokens = tokensOf(source, fail);
    let next = 0;

    const at = text => next < tokens.length && tokens[next].kind === "sign" && tokens[next].text === text;
    const took = text => at(text) && Boolean(++next);
    const start = () => (tokens[next] ?? { start: source.length }).start;
    const piece = (kind, from, rest) => ({ kind, start: from, end: tokens[next - 1].end, ...rest });
    const unexpected = () => fail(start(), "no formula", { text: oneLine(tokens[next]?.text ?? source.slice(-40)) });
    const expect = text => took(text) || unexpected();

    // Operators of at least some binding power
    function expression(least = 0) {
      const from = start();
      let left = operand();
      for (;;) {
        const token = tokens[next], known = token?.kind === "sign" ? binary.get(token.text) : undefined;
        if (!known || known[1] < least) return left;
        const [op, binds, , right] = known;
        next += 1;
        left = piece("op", from, { op, operands: [left, expression(right)] });
        // A comparison of a comparison means something else.
        if (binds < right && tokens[next]?.kind === "sign" && binary.get(tokens[next].text)?.[1] === binds && known[2] > binds) {
          next += 1;
          expression(right);
          fail(from, "no formula", { text: oneLine(source.slice(from)) });
        }
      }
    }

    function operand() {
      const from = start(), token = tokens[next], known = token?.kind === "sign" ? unary.get(token.text) : undefined;
      if (!known) return behind(from, atom());
      next += 1;
      const [op, , right] = known, inside = expression(right);
      return op ? piece("op", from, { op, operands: [inside] }) : piece("plus", from, { value: inside });
    }

    // Calls, attributes and subscripts behind a piece
    function behind(from, first) {
      let value = first;
      for (;;) {
        if (took(".")) {
          const name = tokens[next++];
          if (name?.kind !== "name") { next -= 1; unexpected(); }
          value = piece("attribute", from, { value, name: name.text });
        } else if (took("(")) {
          const { items, named } = args();
          value = piece("call", from, { called: value, items, named });
        } else if (took("[")) {
          const inside = start(), { items, commas } = listed("]", part);
          if (!items.length) unexpected();
          value = piece("subscript", from, { value, parts: items, isTuple: commas > 0, inside });
        } else return value;
      }
    }

    function atom() {
      const token = tokens[next], from = start();
      if (!token) return unexpected();
      next += 1;
      if (token.kind === "name" && ["True", "False", "None"].includes(token.text)) {
        return piece("constant", from, { value: { True: true, False: false, None: null }[token.text] });
      }
      if (token.kind !== "sign") return piece(token.kind, from, { value: token.value });
      if (token.text === "...") return piece("constant", from, { value: "..." });
      if (token.text === "(") {
        const { items, commas } = listed(")", starred);
        return commas || !items.length ? piece("tuple", from, { items }) : items[0];
      }
      if (token.text === "[") return piece("list", from, listed("]", starred));
      next -= 1;
      return unexpected();
    }

    // What stands between brackets, apart by commas
    function listed(close, read) {
      const items = [];
      let commas = 0;
      while (!took(close)) {
        items.push(read());
        if (took(",")) commas += 1;
        else if (!at(close)) unexpected();
      }
      return { items, commas };
    }

    function starred() {
      const from = start();
      return took("*") ? piece("star", from, { value: expression() }) : expression();
    }

    function args() {
      const named = [];
      const { items } = listed(")", () => {
        const from = start();
        if (took("**")) return void named.push([null, expression(), from]);
        if (tokens[next]?.kind === "name" && tokens[next + 1]?.text === "=") {
          const key = tokens[next].text;
          next += 2;
          return void named.push([key, expression(), from]);
        }
        return starred();
      });
      return { items: items.filter(Boolean), named };
    }

    function part() {
      const from = start(), ends = [null];
      let isSlice = false;
      while (!at(",") && !at("]")) {
        if (took(":")) { isSlice = true; ends.push(null); }
        else if (ends.at(-1) === null && ends.length <= 3) ends[ends.length - 1] = expression();
        else unexpected();
      }
      if (ends.length > 3) unexpected();
      return isSlice ? piece("slice", from, { ends: [...ends, null, null].slice(0, 3) }) : ends[0] ?? unexpected();
    }

    if (!tokens.length) throw new FormulaError(say("empty"));
    const tree = starred();
    while (took(";") || took("\n"));
    if (at("=") || (next < tokens.length && [";", "\n"].includes(tokens[next - 1].text))) throw new FormulaError(say("one"));
    if (at(",")) fail(0, "no formula", { text: oneLine(source) });
    if (next < tokens.length) unexpected();
    return { tree, where, text: ({ start: from, end }) => oneLine(source.slice(from, end)) };
  }

  function tokensOf(source, fail) {
    const tokens = [];
    let place = 0, depth = 0, inside = 0;
    const match = pattern => {
      pattern.lastIndex = place;
      return pattern.exec(source)?.[0];
    };
    const add = (kind, text, value = text) => tokens.push({ kind, text, value, start: place, end: place + text.length });
    if ([...source].length > limits.characters) {
      const most = limits.characters.toLocaleString("en");
      throw new FormulaError(say("long", { length: [...source].length.toLocaleString("en"), most }));
    }
    while (place < source.length) {
      const last = source[place];
      let text = last;
      if (last === "\n" && depth === 0) add("sign", "\n");
      else if (/\s/.test(last)) text = last;
      else if ((text = match(NUMBER))) number(text);
      else if ((text = match(NAME))) {
        if (keywords.has(text)) fail(place, "keyword", { text });
        add("name", text, text.normalize("NFKC"));
      } else if ((text = match(TEXT))) add("text", text, text.slice(1, -1));
      else if ((text = match(SIGN)) && (text !== ":" || inside)) {
        depth += text === "(" || text === "[" ? 1 : text === ")" || text === "]" ? -1 : 0;
        inside += text === "[" ? 1 : text === "]" ? -1 : 0;
        add("sign", text);
      } else {
        const wrong = String.fromCodePoint(source.codePointAt(place));
        const reason = Object.hasOwn(strange, wrong) ? strange[wrong] : say("strange");
        fail(place, "character", { text: oneLine(wrong), reason });
      }
      if (depth > limits.depth || tokens.length > limits.tokens) fail(place, "nested");
      place += text.length;
    }
    return tokens;

    function number(text) {
      const rest = /[\p{ID_Continue}.]*/uy;
      rest.lastIndex = place + text.length;
      const behind = rest.exec(source)[0];
      if (/^[\p{ID_Start}_]/u.test(behind)) fail(place, "product", { text: oneLine(`${text}*${behind}`) });
      const isWrong = /^\d|[jJ]$/.test(behind) || /[jJ]$/.test(text) || /^0[\d_]*[1-9][\d_]*$/.test(text); // 1__0, 1j, 01
      if (isWrong) fail(place, "no formula", { text: oneLine(text + behind) });
      const value = Number(text.replaceAll("_", ""));
      if (!Number.isFinite(value)) fail(place, "large", { text: oneLine(text) });
      add("number", text, value);
    }
  }

  return { parse, say };
}
