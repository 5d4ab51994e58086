/* W2 by hand: value and gradient of the mean hinge loss of an MLP 2-16-16-1 over n samples.
   gradient: w1[16][2] b1[16] w2[16][16] b2[16] w3[16] b3, as in w; act is relu, or tanh with -DTANH */
#include <math.h>
#include <string.h>

enum { N = 16, W1 = 0, B1 = 32, W2 = 48, B2 = 304, W3 = 320, B3 = 336, ALL = 337 };

#ifdef TANH
static double act(double z) { return tanh(z); }
static double slope(double a) { return 1.0 - a * a; }
#else
static double act(double z) { return z > 0.0 ? z : 0.0; }
static double slope(double a) { return a > 0.0 ? 1.0 : 0.0; }
#endif

double w2(const double *restrict w, const double *restrict x, const double *restrict y, long n, double *restrict g) {
    double loss = 0.0;
    memset(g, 0, ALL * sizeof *g);
    for (long s = 0; s < n; s++) {
        const double x0 = x[2 * s], x1 = x[2 * s + 1];
        double h[N], k[N], dh[N], dk[N], score = w[B3];
        for (int i = 0; i < N; i++) h[i] = act(w[W1 + 2 * i] * x0 + w[W1 + 2 * i + 1] * x1 + w[B1 + i]);
        for (int i = 0; i < N; i++) {
            double z = w[B2 + i];
            for (int j = 0; j < N; j++) z += w[W2 + N * i + j] * h[j];
            k[i] = act(z);
        }
        for (int i = 0; i < N; i++) score += w[W3 + i] * k[i];
        const double margin = 1.0 - y[s] * score;
        if (!(margin > 0.0)) continue;
        loss += margin;
        g[B3] -= y[s];
        for (int i = 0; i < N; i++) {
            g[W3 + i] -= y[s] * k[i];
            dk[i] = -y[s] * w[W3 + i] * slope(k[i]);
            g[B2 + i] += dk[i];
        }
        memset(dh, 0, sizeof dh);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                g[W2 + N * i + j] += dk[i] * h[j];
                dh[j] += dk[i] * w[W2 + N * i + j];
            }
        for (int i = 0; i < N; i++) {
            const double d = dh[i] * slope(h[i]);
            g[W1 + 2 * i] += d * x0;
            g[W1 + 2 * i + 1] += d * x1;
            g[B1 + i] += d;
        }
    }
    for (int i = 0; i < ALL; i++) g[i] /= n;
    return loss / n;
}
