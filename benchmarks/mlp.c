/* Loss and gradient of an MLP 64-32-10 with relu and cross entropy on one example, by hand. */
#include <math.h>

enum { IN = 64, HIDDEN = 32, OUT = 10 };

double mlp(const double *restrict w1, const double *restrict b1, const double *restrict w2,
           const double *restrict b2, const double *restrict x, long target, double *restrict g1,
           double *restrict c1, double *restrict g2, double *restrict c2) {
    double h[HIDDEN], z[OUT], dh[HIDDEN];
    for (int i = 0; i < HIDDEN; i++) {
        double s = b1[i];
        for (int j = 0; j < IN; j++) s += w1[i * IN + j] * x[j];
        h[i] = s > 0.0 ? s : 0.0;
    }
    double top = -INFINITY, total = 0.0;
    for (int i = 0; i < OUT; i++) {
        double s = b2[i];
        for (int j = 0; j < HIDDEN; j++) s += w2[i * HIDDEN + j] * h[j];
        z[i] = s;
        if (s > top) top = s;
    }
    for (int i = 0; i < OUT; i++) total += exp(z[i] - top);
    for (int j = 0; j < HIDDEN; j++) dh[j] = 0.0;
    for (int i = 0; i < OUT; i++) {
        double d = exp(z[i] - top) / total - (i == target);
        c2[i] = d;
        for (int j = 0; j < HIDDEN; j++) {
            g2[i * HIDDEN + j] = d * h[j];
            dh[j] += d * w2[i * HIDDEN + j];
        }
    }
    for (int i = 0; i < HIDDEN; i++) {
        double d = h[i] > 0.0 ? dh[i] : 0.0;
        c1[i] = d;
        for (int j = 0; j < IN; j++) g1[i * IN + j] = d * x[j];
    }
    return top - z[target] + log(total);
}
