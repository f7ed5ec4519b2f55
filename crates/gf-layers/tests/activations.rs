//! Activations: derivatives, kinks, far arguments.

use gf_layers::Activation;

fn evaluate(f: Activation, z: &[f64]) -> [Vec<f64>; 4] {
    let [mut a, mut slope, mut bend, mut third] = [(); 4].map(|()| vec![f64::NAN; z.len()]);
    f.value(z, &mut a);
    f.slope(z, &a, &mut slope);
    f.bend(z, &a, &slope, &mut bend);
    f.third(z, &slope, &bend, &mut third);
    [a, slope, bend, third]
}

#[test]
fn derivatives_match_differences() {
    // 300 points on [−6, 6], none within the step of the kink at 0.
    let z: Vec<f64> = (0..300).map(|k| (f64::from(k) - 149.5) / 25.0).collect();
    let step = 1e-5;
    let moved = |sign: f64| z.iter().map(|z| z + sign * step).collect::<Vec<_>>();
    for f in Activation::ALL {
        let (here, before, after) = (evaluate(f, &z), evaluate(f, &moved(-1.0)), evaluate(f, &moved(1.0)));
        for order in 0..3 {
            for i in 0..z.len() {
                let difference = (after[order][i] - before[order][i]) / (2.0 * step);
                // Truncation step²/6·f''' below 1e-10, rounding 2.2e-16·6/step below 2e-10.
                let error = (here[order + 1][i] - difference).abs();
                assert!(error < 4e-10, "{}: derivative {} at {} is off by {error:e}", f.name(), order + 1, z[i]);
            }
        }
    }
}

#[test]
fn values_match_their_formulas() {
    let z: Vec<f64> = (0..81).map(|k| (f64::from(k) - 40.0) / 4.0).collect();
    for f in Activation::ALL {
        let [a, ..] = evaluate(f, &z);
        for (z, a) in z.iter().copied().zip(a) {
            let sigma = 1.0 / (1.0 + (-z).exp());
            let expected = match f {
                Activation::Identity => z,
                Activation::Relu => z.max(0.0),
                Activation::LeakyRelu => z.max(0.01 * z),
                Activation::Tanh => z.tanh(),
                Activation::Sigmoid => sigma,
                Activation::Softplus => z.exp().ln_1p(),
                Activation::Silu => z * sigma,
                // Checked against golden values and, as the normal distribution, against a table in gf-linalg.
                Activation::Gelu => a,
                Activation::Elu => {
                    if z > 0.0 {
                        z
                    } else {
                        z.exp_m1()
                    }
                }
                Activation::Sin => z.sin(),
            };
            assert!((a - expected).abs() <= 4e-15 * expected.abs().max(1e-3), "{} at {z}: {a} {expected}", f.name());
        }
    }
}

#[test]
fn kinks_have_the_left_derivative() {
    let at_zero = |f| evaluate(f, &[0.0, -0.0]).map(|x| [x[0], x[1]]);
    assert_eq!(at_zero(Activation::Relu), [[0.0; 2]; 4]);
    assert_eq!(at_zero(Activation::LeakyRelu), [[0.0; 2], [0.01; 2], [0.0; 2], [0.0; 2]]);
    assert_eq!(at_zero(Activation::Elu), [[0.0; 2], [1.0; 2], [1.0; 2], [1.0; 2]]);
}

#[test]
fn far_arguments_stay_finite_and_nan_stays_nan() {
    for f in Activation::ALL {
        let finite = evaluate(f, &[1e3, -1e3, 1e100, -1e100, 1e200, -1e200]);
        assert!(finite.iter().flatten().all(|x| x.is_finite()), "{}: {finite:?}", f.name());
        assert!(evaluate(f, &[f64::NAN])[0][0].is_nan(), "{}", f.name());
    }
}
