/** A small convolutional network whose first layer takes TrAct steps. */
import { factor, filled, generator, type Paper, substitute, uniform } from "./paper.ts";

const [side, window, filters, classes] = [16, 5, 8, 4];
const places = (side - window + 1) ** 2;
const width = window * window;

export const trAct: Paper = {
  name: "16",
  title: "TrAct, convolution 5 x 5 to 8 filters, 10 batches of 40 images",
  steps: { measured: 10, tested: 3 },
  goal: 3,
  tolerance: 1e-9,
  inputs(isTest) {
    const m = isTest ? 12 : 400;
    const next = generator(1);
    const labels = Int32Array.from({ length: m }, (_, i) => i % classes);
    let image = { brightness: 0, phase: 0 };
    let at = 0;
    const images = filled([m, side, side], () => {
      const [pixel, label] = [at % side ** 2, labels[Math.floor(at / side ** 2)]!];
      if (pixel === 0) image = { brightness: 4 * next() - 2, phase: 6 * next() };
      const turn = (Math.PI * label) / classes;
      const along = Math.floor(pixel / side) * Math.sin(turn) + (pixel % side) * Math.cos(turn);
      at += 1;
      return image.brightness + 0.2 * Math.cos(0.6 * Math.PI * along + image.phase) + 0.1 * next();
    });
    return {
      images,
      labels: { shape: [m], values: labels },
      W: uniform(2, [width, filters], -0.2, 0.2),
      out: uniform(3, [filters, classes], -0.35, 0.35),
    };
  },
  plain(inputs, steps) {
    const [images, labels] = [inputs.images!.values, inputs.labels!.values];
    const size = labels.length / steps;
    const rows = size * places;
    const X = new Float64Array(rows * width);
    const Z = new Float64Array(rows * filters);
    const [covariance, G] = [new Float64Array(width * width), new Float64Array(width * filters)];
    return () => {
      const [W, out] = [Float64Array.from(inputs.W!.values), Float64Array.from(inputs.out!.values)];
      const [b, c] = [new Float64Array(filters), new Float64Array(classes)];
      const parameters = [W, b, out, c];
      const velocities = parameters.map((p) => new Float64Array(p.length));
      const [gb, gOut, gc] = [b, out, c].map((p) => new Float64Array(p.length)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const [means, scores, gMeans] = [filters, classes, filters].map((k) => new Float64Array(k)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      for (let t = 0; t < steps; t++) {
        for (const g of [G, gb, gOut, gc, covariance]) g.fill(0);
        for (let image = 0, row = 0; image < size; image++) {
          const pixels = (t * size + image) * side * side;
          const first = row;
          means.fill(0);
          for (let i = 0; i <= side - window; i++)
            for (let j = 0; j <= side - window; j++, row++) {
              for (let p = 0, at = row * width; p < window; p++)
                for (let q = 0; q < window; q++) X[at++] = images[pixels + (i + p) * side + j + q]!;
              const z = row * filters;
              for (let f = 0; f < filters; f++) Z[z + f] = b[f]!;
              for (let k = 0; k < width; k++) {
                const x = X[row * width + k]!;
                for (let f = 0; f < filters; f++) Z[z + f]! += x * W[k * filters + f]!;
              }
              for (let f = 0; f < filters; f++) means[f]! += Math.max(Z[z + f]!, 0);
            }
          for (let f = 0; f < filters; f++) means[f]! /= places;
          scores.set(c);
          for (let f = 0; f < filters; f++)
            for (let k = 0; k < classes; k++) scores[k]! += means[f]! * out[f * classes + k]!;
          const most = Math.max(...scores);
          let sum = 0;
          for (let k = 0; k < classes; k++) sum += Math.exp(scores[k]! - most);
          gMeans.fill(0);
          for (let k = 0; k < classes; k++) {
            const share = Math.exp(scores[k]! - most) / sum;
            const u = (share - (labels[t * size + image] === k ? 1 : 0)) / size;
            gc[k]! += u;
            for (let f = 0; f < filters; f++) {
              gOut[f * classes + k]! += u * means[f]!;
              gMeans[f]! += (u * out[f * classes + k]!) / places;
            }
          }
          for (let r = first; r < row; r++) {
            for (let f = 0; f < filters; f++) {
              const u = Z[r * filters + f]! > 0 ? gMeans[f]! : 0;
              gb[f]! += u;
              Z[r * filters + f] = u;
            }
            for (let k = 0; k < width; k++) {
              const x = X[r * width + k]!;
              for (let f = 0; f < filters; f++) G[k * filters + f]! += x * Z[r * filters + f]!;
              for (let l = 0; l <= k; l++) covariance[k * width + l]! += x * X[r * width + l]!;
            }
          }
        }
        for (let k = 0; k < width; k++) {
          for (let l = 0; l <= k; l++) covariance[k * width + l]! /= rows;
          covariance[k * width + k]! += 0.1;
        }
        factor(covariance, width);
        for (let f = 0; f < filters; f++) substitute(covariance, width, G, f, filters);
        [G, gb, gOut, gc].forEach((g, i) => {
          const [p, v] = [parameters[i]!, velocities[i]!];
          for (let k = 0; k < p.length; k++) {
            v[k] = 0.9 * v[k]! + g[k]!;
            p[k]! -= 0.1 * v[k]!;
          }
        });
      }
      return parameters;
    };
  },
};
