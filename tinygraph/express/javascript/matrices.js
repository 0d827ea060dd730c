// Products of matrices, and what solves and decomposes them. A stack of matrices has the matrices in its last two axes.

// Products

structural.matmul = ([x, y], params, type) => {
  const left = x.shape.length === 1 ? [1, ...x.shape] : x.shape;
  const right = y.shape.length === 1 ? [...y.shape, 1] : y.shape;
  const [rows, inner] = left.slice(-2);
  const [fitting, columns] = right.slice(-2);
  if (inner !== fitting) refuse(`matrices of shapes (${x.shape}) and (${y.shape}) have no product`);
  const stack = broadcastShape([left.slice(0, -2), right.slice(0, -2)]);
  const firsts = placesOfBroadcast(left.slice(0, -2), stack);
  const seconds = placesOfBroadcast(right.slice(0, -2), stack);
  checkProducts(type, x, y, inner);
  const result = buffer(type === "f4" ? "f8" : type, firsts.length * rows * columns);
  const sizes = [rows, inner, columns];
  firsts.forEach((first, i) => {
    addProduct(x.data, first * rows * inner, y.data, seconds[i] * inner * columns, result, i * rows * columns, sizes);
  });
  const shape = [...stack, ...(x.shape.length === 1 ? [] : [rows]), ...(y.shape.length === 1 ? [] : [columns])];
  return made(type, shape, result);
};

// Row by row of the second matrix, so that the innermost loop goes through entries in a row.
function addProduct(x, xStart, y, yStart, result, start, [rows, inner, columns]) {
  for (let i = 0; i < rows; i++) {
    const row = start + i * columns;
    for (let k = 0; k < inner; k++) {
      const factor = x[xStart + i * inner + k];
      const other = yStart + k * columns;
      for (let j = 0; j < columns; j++) result[row + j] += factor * y[other + j];
    }
  }
}

// Sums of products of integers are exact where none can be beyond what a double counts, and refused where one may.
function checkProducts(type, x, y, count) {
  if (!isWhole(type)) return;
  const size = (one) => one.data.reduce((largest, entry) => Math.max(largest, Math.abs(entry)), 0);
  if (!Number.isSafeInteger(size(x) * size(y) * count)) refuse("a sum of such products may be beyond 2 ** 53");
}

structural.outer = ([a, b], params, type) => {
  const [column, row] = [reshaped(a, [a.data.length, 1]), reshaped(b, [1, b.data.length])];
  return entrywise(ruleOf((x, y) => x * y), [column, row], type);
};

structural.cross = ([a, b], params, type) => {
  const shape = broadcastShape([a, b].map(shapeOf));
  const [x, y] = [a, b].map((operand) => broadcastData(operand, shape));
  const result = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const start = i - (i % 3);
    const [next, last] = [start + ((i + 1) % 3), start + ((i + 2) % 3)];
    result[i] = x[next] * y[last] - x[last] * y[next];
  }
  return made(type, shape, result);
};

// Letters name axes; those that the result has not are summed over.
structural.einsum = (operands, { subscripts }, type) => {
  const [before, kept] = subscripts.split("->");
  const terms = before.split(",");
  const lengths = lengthsOfLetters(terms, operands);
  const summed = [...lengths.keys()].filter((letter) => !kept.includes(letter));
  const exact = isWhole(type) ? exactInteger : (x) => x;
  const steps = operands.map((x, i) => stepsOfLetters(terms[i], shapeOf(x)));
  const places = (letters) => steps.map((step) => placesOf(letters.map((one) => stepping(lengths.get(one), step.get(one) ?? 0))));
  const [outside, inside] = [places([...kept]), places(summed)];
  const data = operands.map(dataOf);
  const result = Float64Array.from(outside[0], (_, i) => sumOfProducts(data, outside.map((all) => all[i]), inside, exact));
  return made(type, [...kept].map((letter) => lengths.get(letter)), result);
};

function lengthsOfLetters(terms, operands) {
  const lengths = new Map();
  terms.forEach((term, i) => {
    [...term].forEach((letter, axis) => {
      const length = shapeOf(operands[i])[axis];
      const known = lengths.get(letter) ?? 1;
      if (known !== length && known !== 1 && length !== 1) refuse(`axis ${letter} has ${known} entries and ${length}`);
      lengths.set(letter, known === 1 ? length : known);
    });
  });
  return lengths;
}

function stepsOfLetters(term, shape) {
  const strides = stridesOf(shape);
  return new Map([...term].map((letter, axis) => [letter, shape[axis] === 1 ? 0 : strides[axis]]));
}

function sumOfProducts(data, starts, places, exact) {
  let sum = 0;
  for (let k = 0; k < places[0].length; k++) {
    let term = data[0][starts[0] + places[0][k]];
    for (let i = 1; i < data.length; i++) term = exact(term * data[i][starts[i] + places[i][k]]);
    sum = exact(sum + term);
  }
  return sum;
}

// Stacks: a matrix is an array of rows while it is worked on

function matrixAt(x, i) {
  const [rows, columns] = x.shape.slice(-2);
  const start = i * rows * columns;
  return range(rows).map((r) => Float64Array.from(x.data.subarray(start + r * columns, start + (r + 1) * columns)));
}

// What a function makes of each matrix of a stack: a list of entries, which has that shape.
function ofEachMatrix(x, type, shape, compute) {
  const stack = x.shape.slice(0, -2);
  const entries = range(sizeOf(stack)).flatMap((i) => compute(matrixAt(x, i), i));
  return made(type, [...stack, ...shape], entries);
}

function identity(size) {
  return range(size).map((row) => Float64Array.from({ length: size }, (_, column) => Number(row === column)));
}

function flat(rows) {
  return rows.flatMap((row) => [...row]);
}

function isSquare(x) {
  const [rows, columns] = x.shape.slice(-2);
  if (rows !== columns) refuse(`a matrix of shape (${x.shape}) is not square`);
}

// Elimination

// Rows swapped so that each pivot is the largest left, and reduced to a triangle; what stands beside them goes along.
// Returns the sign of the swaps; a column without a pivot stays as it is.
function eliminate(matrix, beside) {
  let sign = 1;
  for (let k = 0; k < matrix.length; k++) {
    let pivot = k;
    for (let i = k + 1; i < matrix.length; i++) if (Math.abs(matrix[i][k]) > Math.abs(matrix[pivot][k])) pivot = i;
    if (pivot !== k) {
      sign = -sign;
      for (const rows of [matrix, beside]) [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    }
    if (matrix[k][k] === 0) continue;
    for (let i = k + 1; i < matrix.length; i++) {
      const factor = matrix[i][k] / matrix[k][k];
      for (let j = k; j < matrix.length; j++) matrix[i][j] -= factor * matrix[k][j];
      for (let j = 0; j < beside[i].length; j++) beside[i][j] -= factor * beside[k][j];
    }
  }
  return sign;
}

// The solution for each column of the right sides, which are changed into it.
function solved(matrix, right) {
  eliminate(matrix, right);
  for (let i = matrix.length - 1; i >= 0; i--) {
    if (matrix[i][i] === 0) refuse("the matrix is singular");
    for (let j = 0; j < right[i].length; j++) {
      for (let k = i + 1; k < matrix.length; k++) right[i][j] -= matrix[i][k] * right[k][j];
      right[i][j] /= matrix[i][i];
    }
  }
  return right;
}

function pivotsOf(matrix) {
  const sign = eliminate(matrix, matrix.map(() => []));
  return [sign, ...matrix.map((row, i) => row[i])];
}

function determinant(matrix) {
  return product(pivotsOf(matrix));
}

structural.det = ([A], params, type) => ofEachSquare(A, type, (matrix) => [determinant(matrix)]);
structural.sign_of_det = ([A], params, type) => ofEachSquare(A, type, (matrix) => [product(pivotsOf(matrix).map(Math.sign))]);
structural.log_abs_det = ([A], params, type) =>
  ofEachSquare(A, type, (matrix) => [pivotsOf(matrix).reduce((sum, pivot) => sum + Math.log(Math.abs(pivot)), 0)]);

function ofEachSquare(A, type, compute) {
  isSquare(A);
  return ofEachMatrix(A, type, [], compute);
}

structural.inv = ([A], params, type) => {
  isSquare(A);
  return ofEachMatrix(A, type, A.shape.slice(-2), (matrix) => flat(solved(matrix, identity(matrix.length))));
};

// A vector alone is a right side; where there are more axes the last two are matrices of right sides.
structural.solve = ([A, b], params, type) => {
  isSquare(A);
  const isVector = b.shape.length === 1;
  const right = isVector ? reshaped(b, [...b.shape, 1]) : b;
  const stack = broadcastShape([A.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const whole = (x) => new NDArray([...stack, ...x.shape.slice(-2)], broadcastData(x, [...stack, ...x.shape.slice(-2)]));
  const [left, sides] = [whole(A), whole(right)];
  const result = ofEachMatrix(left, type, right.shape.slice(-2), (matrix, i) => flat(solved(matrix, matrixAt(sides, i))));
  return isVector ? reshaped(result, result.shape.slice(0, -1)) : result;
};

structural.cholesky = ([A], params, type) => {
  isSquare(A);
  return ofEachMatrix(A, type, A.shape.slice(-2), (matrix) => flat(rootOf(matrix)));
};

// The lower triangle whose product with its transpose is the matrix.
function rootOf(matrix) {
  const root = matrix.map((row) => new Float64Array(row.length));
  for (let i = 0; i < matrix.length; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i][j];
      for (let k = 0; k < j; k++) rest -= root[i][k] * root[j][k];
      if (i === j && !(rest > 0)) refuse("the matrix is not positive definite");
      root[i][j] = i === j ? Math.sqrt(rest) : rest / root[j][j];
    }
  }
  return root;
}

// Minors

function without(matrix, row, column) {
  return matrix.filter((_, i) => i !== row).map((entries) => entries.filter((_, j) => j !== column));
}

function cofactorsOf(matrix) {
  return matrix.map((row, i) => row.map((_, j) => (-1) ** (i + j) * determinant(without(matrix, i, j))));
}

structural.cofactors = ([A], params, type) => {
  isSquare(A);
  return ofEachMatrix(A, type, A.shape.slice(-2), (matrix) => flat(cofactorsOf(matrix)));
};

// How the cofactors change along a direction: each is a determinant, whose derivative is what its own cofactors make of it.
structural.cofactors_along = ([direction, A], params, type) => {
  isSquare(A);
  return ofEachMatrix(A, type, A.shape.slice(-2), (matrix, i) => flat(cofactorsAlong(matrixAt(direction, i), matrix)));
};

function cofactorsAlong(direction, matrix) {
  return matrix.map((row, i) =>
    row.map((_, j) => {
      const changes = flat(without(direction, i, j));
      const cofactors = flat(cofactorsOf(without(matrix, i, j)));
      return (-1) ** (i + j) * cofactors.reduce((sum, cofactor, k) => sum + cofactor * changes[k], 0);
    }),
  );
}

// Singular values

structural.singular_values = ([A], params, type) => {
  const count = Math.min(...A.shape.slice(-2));
  return ofEachMatrix(A, type, [count], (matrix) => singularValues(matrix));
};

// Columns are turned two by two until all are at right angles; their lengths are the values.
function singularValues(matrix) {
  const [rows, columns] = [matrix.length, matrix[0]?.length ?? 0];
  const vectors = rows < columns ? matrix : range(columns).map((j) => Float64Array.from(matrix, (row) => row[j]));
  for (let turn = 0; turn < 60; turn++) {
    if (!turnedAll(vectors)) break;
  }
  return vectors.map((vector) => Math.hypot(...vector)).sort((a, b) => b - a);
}

// Whether any two vectors were not at right angles yet.
function turnedAll(vectors) {
  let turned = false;
  for (let i = 0; i < vectors.length; i++) {
    for (let j = i + 1; j < vectors.length; j++) turned = turnedTwo(vectors[i], vectors[j]) || turned;
  }
  return turned;
}

function turnedTwo(u, v) {
  const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const [alpha, beta, gamma] = [dot(u, u), dot(v, v), dot(u, v)];
  if (Math.abs(gamma) <= 1e-15 * Math.sqrt(alpha * beta)) return false;
  const zeta = (beta - alpha) / (2 * gamma);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (let k = 0; k < u.length; k++) [u[k], v[k]] = [cosine * u[k] - sine * v[k], sine * u[k] + cosine * v[k]];
  return true;
}
