// Functions of numbers that Math lacks, by NumPy's rules for ties, zeros, infinities and NaN.
// The expressions in the declarations of ops call them.

const EVERY_DOUBLE_IS_WHOLE = 2 ** 52;

function isNegative(x) {
  return x < 0 || Object.is(x, -0);
}

function copysign(x, y) {
  return isNegative(y) ? -Math.abs(x) : Math.abs(x);
}

function roundHalfEven(x) {
  const size = Math.abs(x);
  if (!(size < EVERY_DOUBLE_IS_WHOLE)) return x;
  // There is no room for a fraction in the sum, so that the processor rounds, and it rounds ties to even.
  return copysign(size + EVERY_DOUBLE_IS_WHOLE - EVERY_DOUBLE_IS_WHOLE, x);
}

function roundTo(x, decimals) {
  const scale = 10 ** Math.abs(decimals);
  return decimals < 0 ? roundHalfEven(x / scale) * scale : roundHalfEven(x * scale) / scale;
}

function power(base, exponent, type) {
  if (isWhole(type)) return wholePower(base, exponent);
  // C's power is 1 where the base is 1, and where an infinite exponent has neither end to go to; JavaScript's is NaN.
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return base ** exponent;
}

function wholePower(base, exponent) {
  if (exponent < 0) refuse("a negative power of an integer is no integer");
  if (Math.abs(base) <= 1) return base ** exponent;
  let result = 1;
  for (let i = 0; i < exponent && Number.isSafeInteger(result); i++) result *= base;
  return result;
}

function reciprocal(x, type) {
  return isWhole(type) ? Math.trunc(1 / x) : 1 / x;
}

function remainder(x, y) {
  const rest = x % y;
  if (rest === 0) return copysign(0, y);
  return rest < 0 !== y < 0 ? rest + y : rest;
}

function floorDivide(x, y, type) {
  if (y === 0) return isWhole(type) ? 0 : x / y;
  const rest = x % y;
  // What is left here is a multiple of y, so that rounding the quotient does not carry it over the next integer.
  const quotient = (x - rest) / y - (rest !== 0 && rest < 0 !== y < 0 ? 1 : 0);
  return quotient === 0 ? copysign(0, x / y) : roundHalfEven(quotient);
}

function heaviside(x, atZero) {
  return x === 0 ? atZero : x < 0 ? 0 : x > 0 ? 1 : NaN;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function logAddExp(x, y) {
  if (x === y) return x + Math.LN2; // two infinities have no difference
  return Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)));
}

function logAddExp2(x, y) {
  if (x === y) return x + 1;
  return Math.max(x, y) + Math.LOG2E * Math.log1p(2 ** -Math.abs(x - y));
}

function isClose(x, y, relative, absolute, equalNaN) {
  if (x === y) return true;
  if (equalNaN && Number.isNaN(x) && Number.isNaN(y)) return true;
  return Number.isFinite(y) && Math.abs(x - y) <= absolute + relative * Math.abs(y);
}
