//! The slice functions against correctly rounded values.

use gf_linalg::slices;

type Function = fn(&[f64], &mut [f64]);

/// Units in the last place between two numbers of one sign; huge otherwise.
fn distance(a: f64, b: f64) -> u64 {
    if a.is_sign_negative() == b.is_sign_negative() { a.to_bits().abs_diff(b.to_bits()) } else { u64::MAX }
}

const ALL: [Function; 12] = [
    slices::exp,
    slices::tanh,
    slices::sigmoid,
    slices::softplus,
    slices::exp_m1_of_negative,
    slices::ln_1p_of_nonnegative,
    slices::normal_cdf,
    slices::normal_density,
    slices::gelu,
    slices::gelu_slope,
    slices::sin,
    slices::cos,
];

fn evaluate(function: Function, x: &[f64]) -> Vec<f64> {
    let mut out = vec![7.0; x.len()];
    function(x, &mut out);
    out
}

/// Column `column` of a table (0 holds the arguments) against `function`, within `bound` units in the last place.
fn check<const N: usize>(table: &[[u64; N]], column: usize, name: &str, function: Function, bound: u64) {
    let x: Vec<f64> = table.iter().map(|row| f64::from_bits(row[0])).collect();
    for ((x, found), row) in x.iter().zip(evaluate(function, &x)).zip(table) {
        let expected = f64::from_bits(row[column]);
        // The tables hold no negative zeros of underflow.
        let good = found == expected || distance(found, expected) <= bound;
        assert!(good, "{name}({x:e}) = {found:e}, expected {expected:e}");
    }
}

// Bounds: the worst of 10⁶ random arguments against 113-bit arithmetic, rounded up: exp 1.04, tanh 2.7, sigmoid 2.4,
// softplus 2.8, ln(1+x) 1.4, Φ 3.4, φ 1.4, gelu 3.8, sin and cos 0.99, and half a unit for the rounding of the table.
#[test]
fn errors_stay_within_their_units_in_the_last_place() {
    check(TABLE, 1, "exp", slices::exp, 1);
    check(TABLE, 2, "tanh", slices::tanh, 3);
    check(TABLE, 3, "sigmoid", slices::sigmoid, 2);
    check(TABLE, 4, "softplus", slices::softplus, 3);
    check(TABLE, 5, "normal_cdf", slices::normal_cdf, 3);
    check(LOGARITHMS, 1, "ln_1p_of_nonnegative", slices::ln_1p_of_nonnegative, 1);
    check(NORMAL, 1, "normal_cdf", slices::normal_cdf, 3);
    check(NORMAL, 2, "normal_density", slices::normal_density, 1);
    check(NORMAL, 3, "gelu", slices::gelu, 4);
    check(WAVES, 1, "sin", slices::sin, 1);
    check(WAVES, 2, "cos", slices::cos, 1);
}

#[test]
fn the_slope_of_gelu_is_accurate_like_its_terms() {
    for row in NORMAL {
        let [x, cdf, density, _, expected] = row.map(f64::from_bits);
        let found = evaluate(slices::gelu_slope, &[x])[0];
        // The terms cancel at the zero x = −0.75; there the errors of both remain. 5e-324: the subnormal numbers.
        let bound = 2.0 * f64::EPSILON * (cdf + x.abs() * density) + 5e-324;
        assert!((found - expected).abs() <= bound, "{x:e}: {found:e}, expected {expected:e}");
    }
}

#[test]
fn dense_sweeps_agree_with_scalar_functions() {
    // Scalar functions err by less than one unit themselves, erfc by as much as the rounding of x/√2 makes of it: x² units.
    let cdf = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    type Case = (&'static str, Function, fn(f64) -> f64, [f64; 2], u64);
    let cases: [Case; 8] = [
        ("exp", slices::exp, f64::exp, [-700.0, 700.0], 2),
        ("tanh", slices::tanh, f64::tanh, [-1.0, 21.0], 4),
        ("exp_m1_of_negative", slices::exp_m1_of_negative, f64::exp_m1, [-5.0, 0.0], 2),
        ("ln_1p_of_nonnegative", slices::ln_1p_of_nonnegative, f64::ln_1p, [0.0, 5.0], 2),
        ("ln_1p_of_nonnegative", slices::ln_1p_of_nonnegative, f64::ln_1p, [0.0, 2e3], 2),
        ("normal_cdf", slices::normal_cdf, cdf, [-1.4, 8.5], 7),
        ("sin", slices::sin, f64::sin, [-1e5, 1e5], 1),
        ("cos", slices::cos, f64::cos, [-10.0, 10.0], 1),
    ];
    for (name, function, scalar, [from, to], bound) in cases {
        let x: Vec<f64> = (0..100_003).map(|k| from + (to - from) * f64::from(k) / 100_002.0).collect();
        for (x, found) in x.iter().zip(evaluate(function, &x)) {
            let expected = scalar(*x);
            assert!(distance(found, expected) <= bound, "{name}({x:e}) = {found:e}, expected {expected:e}");
        }
    }
}

#[test]
fn infinities_and_nan_behave_like_scalars() {
    let x = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let cases: [(Function, [f64; 2]); 9] = [
        (slices::exp, [f64::INFINITY, 0.0]),
        (slices::tanh, [1.0, -1.0]),
        (slices::sigmoid, [1.0, 0.0]),
        (slices::softplus, [f64::INFINITY, 0.0]),
        (slices::exp_m1_of_negative, [0.0, -1.0]),
        (slices::normal_cdf, [1.0, 0.0]),
        (slices::normal_density, [0.0, 0.0]),
        (slices::gelu, [f64::INFINITY, 0.0]),
        (slices::gelu_slope, [1.0, 0.0]),
    ];
    for (function, ends) in cases {
        assert_eq!(evaluate(function, &x)[..2], ends);
    }
    assert_eq!(evaluate(slices::ln_1p_of_nonnegative, &x)[0], f64::INFINITY);
    for function in [slices::sin, slices::cos] as [Function; 2] {
        assert!(evaluate(function, &x).iter().all(|y| y.is_nan()));
    }
    for function in ALL {
        assert!(evaluate(function, &x)[2].is_nan());
    }
}

#[test]
fn zeros_keep_their_sign() {
    let odd = [slices::tanh, slices::exp_m1_of_negative, slices::ln_1p_of_nonnegative, slices::gelu, slices::sin];
    for function in odd as [Function; 5] {
        let found = evaluate(function, &[0.0, -0.0]);
        assert_eq!([found[0].to_bits(), found[1].to_bits()], [0, 1 << 63]);
    }
}

#[test]
fn far_arguments_of_sine_and_cosine_are_left_to_std() {
    let x = [1.0, 1_073_741_825.0, -2.0, 1e22, -1e300, 3.0, f64::MAX];
    for (function, scalar) in [(slices::sin as Function, f64::sin as fn(f64) -> f64), (slices::cos, f64::cos)] {
        let found = evaluate(function, &x);
        for i in [1, 3, 4, 6] {
            assert_eq!(found[i].to_bits(), scalar(x[i]).to_bits());
        }
        // The near ones beside them are those of a slice without far ones.
        let near = evaluate(function, &[x[0], x[2], x[5]]);
        assert_eq!([found[0], found[2], found[5]], near[..]);
    }
}

#[test]
fn the_negative_branch_of_exp_m1_is_accurate_near_zero() {
    let x = [-0.0, -5e-324, -1e-300, -1e-17, -1e-9, -0.1, -0.7, -3.0, -39.9, -41.0, 1.0];
    let mut out = [7.0; 11];
    slices::exp_m1_of_negative(&x, &mut out);
    for (x, found) in x.iter().zip(out) {
        let expected = if *x > 0.0 { 0.0 } else { x.exp_m1() };
        assert!(distance(found, expected) <= 2, "{x:e}: {found:e} against {expected:e}");
    }
}

#[test]
fn results_do_not_depend_on_the_position_in_the_slice() {
    // Lengths 0 to 37, with arguments beyond the range of the vectorized sine; the absolute values suit all functions.
    let x: Vec<f64> = (0..37).map(|k| if k % 11 == 5 { 1e10 } else { (f64::from(k) * 0.37 - 7.0).abs() }).collect();
    let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    for function in ALL {
        let whole = evaluate(function, &x);
        for start in 0..=x.len() {
            assert_eq!(bits(&evaluate(function, &x[start..])), bits(&whole[start..]));
            assert_eq!(bits(&evaluate(function, &x[..start])), bits(&whole[..start]));
        }
    }
}

#[test]
fn own_functions() {
    let (x, mut out) = ([1.0, 2.0, -3.0], [0.0; 3]);
    slices::map(&x, &mut out, |x| 2.0 * x + 1.0);
    assert_eq!(out, [3.0, 5.0, -5.0]);
    slices::update(&x, &mut out, |x, out| x - out);
    assert_eq!(out, [-2.0, -3.0, 2.0]);
}

#[test]
fn combinations() {
    let (x, y, z, mut out) = ([1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [0.0; 2]);
    slices::multiply(&x, &y, &mut out);
    assert_eq!(out, [3.0, 8.0]);
    slices::multiply_add(&x, &y, &mut out);
    assert_eq!(out, [6.0, 16.0]);
    slices::combine(&x, &y, &z, &x, &mut out);
    assert_eq!(out, [3.0 + 5.0, 8.0 + 12.0]);
}

// The tables hold bits of f64: the arguments, and the values that mpmath finds for them at 400 digits (the first table: 60),
// rounded to the nearest multiple of the unit in the last place, 2⁻¹⁰⁷⁴ for subnormal numbers.

// x, exp x, tanh x, sigmoid x, softplus x, normal distribution of x.
#[rustfmt::skip]
const TABLE: &[[u64; 6]] = &[
    [0x0000000000000000, 0x3ff0000000000000, 0x0000000000000000, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x8000000000000000, 0x3ff0000000000000, 0x8000000000000000, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x0000000000000001, 0x3ff0000000000000, 0x0000000000000001, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x8000000000000001, 0x3ff0000000000000, 0x8000000000000001, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x000fd1d7d505cd02, 0x3ff0000000000000, 0x000fd1d7d505cd02, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x800012688b70e62b, 0x3ff0000000000000, 0x800012688b70e62b, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x01a56e1fc2f8f359, 0x3ff0000000000000, 0x01a56e1fc2f8f359, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x96687e92154ef7ac, 0x3ff0000000000000, 0x96687e92154ef7ac, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x3bc79ca10c924223, 0x3ff0000000000000, 0x3bc79ca10c924223, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0xbc670ef54646d497, 0x3ff0000000000000, 0xbc670ef54646d497, 0x3fe0000000000000, 0x3fe62e42fefa39ef, 0x3fe0000000000000],
    [0x3e45798ee2308c3a, 0x3ff0000002af31dc, 0x3e45798ee2308c3a, 0x3fe00000015798ee, 0x3fe62e4301a96bcc, 0x3fe0000002244d56],
    [0xbe45798ee2308c3a, 0x3feffffffaa19c48, 0xbe45798ee2308c3a, 0x3fdffffffd50ce24, 0x3fe62e42fc4b0813, 0x3fdffffffbb76554],
    [0x3eff75104d551d69, 0x3ff0001f752f39e5, 0x3eff75104d2c951e, 0x3fe0000fba8826a5, 0x3fe62e627419fd82, 0x3fe00019196a4901],
    [0xbf60624dd2f1a9fc, 0x3fefefa1e333cd77, 0xbf60624c6470d267, 0x3fdff7ced944574a, 0x3fe62612e4803837, 0x3fdff2ed6e8c284a],
    [0x3f847ae147ae147b, 0x3ff0292a5d2f2226, 0x3f847ab48ae4595e, 0x3fe0147ad61865a8, 0x3fe65752f86558b3, 0x3fe020ae495ce8ee],
    [0xbfb999999999999a, 0x3fecf46d99d52b3a, 0xbfb983d7795f413a, 0x3fde66bdb1aca090, 0x3fe49ee5be955d1c, 0x3fdd7375f15b2f1e],
    [0x3fc5c28f5c28f5c3, 0x3ff2f702384360b7, 0x3fc58d8296a405bd, 0x3fe15b52ed216507, 0x3fe90423c5bd86f3, 0x3fe228eb218614d8],
    [0xbfc5c28f5c28f5c3, 0x3feaff4d5b82275f, 0xbfc58d8296a405bd, 0x3fdd495a25bd35f2, 0x3fe3937feeb34982, 0x3fdbae29bcf3d650],
    [0x3fc999999999999a, 0x3ff38add9e58ac8d, 0x3fc9439830b3a590, 0x3fe1983d7795f414, 0x3fe98a5a86b5219c, 0x3fe2894ba87dce1c],
    [0x3fd62d0e56041893, 0x3ff6a03146cf6ead, 0x3fd55442f64fb9aa, 0x3fe2be9dc0949fc0, 0x3fec33dbfa4be3fe, 0x3fe45626b72f4c25],
    [0xbfd62eb1c432ca58, 0x3fe6a0773cd678a4, 0xbfd555b7cb87b1ca, 0x3fda825eb9635664, 0x3fe11cfdf10f51ec, 0x3fd75314fe106f8f],
    [0x3fd6666666666666, 0x3ff6b4802c805dec, 0x3fd5872d4a8651d6, 0x3fe2c5923a96ad1c, 0x3fec44aaa76c98ac, 0x3fe460eaac7c7829],
    [0xbfd70a3d70a3d70a, 0x3fe6535d4d756470, 0xbfd617fc9aaeddd6, 0x3fda4d2959ec91a3, 0x3fe0efb39bf4d7d3, 0x3fd700cbb42f62b5],
    [0x3fe0000000000000, 0x3ffa61298e1e069c, 0x3fdd9353d7568af3, 0x3fe3eb2fd4d34391, 0x3fef2ba37edae032, 0x3fe62075e232ac77],
    [0xbfe0000000000000, 0x3fe368b2fc6f960a, 0xbfdd9353d7568af3, 0x3fd829a0565978df, 0x3fde5746fdb5c064, 0x3fd3bf143b9aa712],
    [0x3fe1916872b020c5, 0x3ffbb44efa34c66f, 0x3fdffc3cce48227e, 0x3fe448f01a391ba9, 0x3ff013e6776e9555, 0x3fe6ac027a39b741],
    [0x3fe199999999999a, 0x3ffbbb678436f0b5, 0x3fe00442f6419203, 0x3fe44ad6b913df67, 0x3ff0167f48c4248b, 0x3fe6aed1e16a930a],
    [0x3fe62e42fefa39ef, 0x4000000000000000, 0x3fe3333333333333, 0x3fe5555555555555, 0x3ff193ea7aad030b, 0x3fe830432b8db5c5],
    [0xbfe62e42fefa39ef, 0x3fe0000000000000, 0xbfe3333333333333, 0x3fd5555555555555, 0x3fd9f323ecbf984c, 0x3fcf3ef351c928ec],
    [0x3ff0000000000000, 0x4005bf0a8b145769, 0x3fe85efab514f394, 0x3fe764d4f5d5a2bd, 0x3ff5031eafefb049, 0x3feaec4bd120d37d],
    [0xbff0000000000000, 0x3fd78b56362cef38, 0xbfe85efab514f394, 0x3fd136561454ba86, 0x3fd40c7abfbec124, 0x3fc44ed0bb7cb20b],
    [0x3ff0a3d70a3d70a4, 0x4006a23c87af69e8, 0x3fe8e47583bcb9cb, 0x3fe7a4a8c4990001, 0x3ff57b896a9b593d, 0x3feb39fff0b90a29],
    [0x4000000000000000, 0x401d8e64b8d4ddae, 0x3feed9505e1bc3d4, 0x3fec2f7d5a8a79ca, 0x400103f2d54301d5, 0x3fef45a183e9b13d],
    [0xc000000000000000, 0x3fc152aaa3bf81cc, 0xbfeed9505e1bc3d4, 0x3fbe84152bac31af, 0x3fc03f2d54301d49, 0x3f974bcf82c9d860],
    [0x400a666666666666, 0x403b1cd5e7807b7b, 0x3fefe9bdf44f7c03, 0x3feedc99cf2c9d4d, 0x400ab093b9091426, 0x3feffc0a2fa3c9a5],
    [0xc012cccccccccccd, 0x3f82a08b6d994657, 0xbfeffea50f0eea10, 0x3f827590778b6439, 0x3f828afd5804ac49, 0x3eb5d2ecebcbe1d0],
    [0x4016000000000000, 0x406e96244f21bbf6, 0x3fefffb9f2fc1e91, 0x3fefdea84d73d71f, 0x4016042d23b1dcdf, 0x3feffffff5ce182b],
    [0xc020000000000000, 0x3f35fc21041027ad, 0xbfefffff872a91f8, 0x3f35fa3dd7d2f7a6, 0x3f35fb2f67077130, 0x3cc669d2c90d55ce],
    [0x4023cccccccccccd, 0x40d37697b5428d14, 0x3feffffffd4bfec7, 0x3fefff96c8063144, 0x4023ccd36057398e, 0x3ff0000000000000],
    [0xc029000000000000, 0x3ecf42ed3f68e690, 0xbfeffffffffc2eb9, 0x3ecf42e59cdcdad4, 0x3ecf42e96e229123, 0x3893d880d577329b],
    [0x402e000000000000, 0x4148f0ccafad2a87, 0x3feffffffffff96a, 0x3fefffff5bc51e3a, 0x402e00000a43ae37, 0x3ff0000000000000],
    [0xc032000000000000, 0x3e505a628c699fa1, 0xbfeffffffffffffc, 0x3e505a62883beeb6, 0x3e505a628a52c72b, 0x30fb8987b8ecde7a],
    [0x4032e66666666666, 0x41a34082f0bcbf53, 0x3fefffffffffffff, 0x3feffffffcacf8b1, 0x4032e6666680fea0, 0x3ff0000000000000],
    [0x403319999999999a, 0x41a783b290d4dbdf, 0x3ff0000000000000, 0x3feffffffd473c9c, 0x4033199999af5fb5, 0x3ff0000000000000],
    [0xc034000000000000, 0x3e21b48655f37267, 0xbff0000000000000, 0x3e21b4865556b5d5, 0x3e21b48655a5141e, 0x2d8c0bd0f1880783],
    [0x4034800000000000, 0x41c7d6c4f0bcdd5c, 0x3ff0000000000000, 0x3fefffffff542e28, 0x4034800000055e8f, 0x3ff0000000000000],
    [0x4039000000000000, 0x4230c3d3920962c9, 0x3ff0000000000000, 0x3feffffffffe175d, 0x4039000000000f45, 0x3ff0000000000000],
    [0xc03e000000000000, 0x3d3a56e0c2ac7f75, 0xbff0000000000000, 0x3d3a56e0c2ac7cbf, 0x3d3a56e0c2ac7e1a, 0x16f7795ad05ea397],
    [0x4042000000000000, 0x432ea215a1d20d76, 0x3ff0000000000000, 0x3feffffffffffffe, 0x4042000000000000, 0x3ff0000000000000],
    [0xc042800000000000, 0x3c9898471fca6055, 0xbff0000000000000, 0x3c9898471fca6054, 0x3c9898471fca6055, 0x01ceaccc6bfeb0af],
    [0x4043400000000000, 0x436753025a61bfe5, 0x3ff0000000000000, 0x3ff0000000000000, 0x4043400000000000, 0x3ff0000000000000],
    [0xc044000000000000, 0x3c539792499b1a24, 0xbff0000000000000, 0x3c539792499b1a24, 0x3c539792499b1a24, 0x0000000000000000],
    [0xc044800000000000, 0x3c3cd480a1b74820, 0xbff0000000000000, 0x3c3cd480a1b74820, 0x3c3cd480a1b74820, 0x0000000000000000],
    [0x4049000000000000, 0x44719103e4080b45, 0x3ff0000000000000, 0x3ff0000000000000, 0x4049000000000000, 0x3ff0000000000000],
    [0xc059000000000000, 0x36ea8c1f14e2af5d, 0xbff0000000000000, 0x36ea8c1f14e2af5d, 0x36ea8c1f14e2af5d, 0x0000000000000000],
    [0x4069000000000000, 0x51f73f60ea79f5b9, 0x3ff0000000000000, 0x3ff0000000000000, 0x4069000000000000, 0x3ff0000000000000],
    [0xc072c00000000000, 0x24e245639c3a49f7, 0xbff0000000000000, 0x24e245639c3a49f7, 0x24e245639c3a49f7, 0x0000000000000000],
    [0x407f400000000000, 0x6d045ba2a9f7e439, 0x3ff0000000000000, 0x3ff0000000000000, 0x407f400000000000, 0x3ff0000000000000],
    [0xc082c00000000000, 0x09d4dd4d0d12c071, 0xbff0000000000000, 0x09d4dd4d0d12c071, 0x09d4dd4d0d12c071, 0x0000000000000000],
    [0x4085e00000000000, 0x7f0d945df4f8ec8e, 0x3ff0000000000000, 0x3ff0000000000000, 0x4085e00000000000, 0x3ff0000000000000],
    [0xc086200000000000, 0x0017c8ab2288c9ab, 0xbff0000000000000, 0x0017c8ab2288c9ab, 0x0017c8ab2288c9ab, 0x0000000000000000],
    [0x40862e3d70a3d70a, 0x7fefe9ce5c4c52b4, 0x3ff0000000000000, 0x3ff0000000000000, 0x40862e3d70a3d70a, 0x3ff0000000000000],
    [0xc086280000000000, 0x0008bfe55de02338, 0xbff0000000000000, 0x0008bfe55de02338, 0x0008bfe55de02338, 0x0000000000000000],
    [0xc086800000000000, 0x0000000993b4dc95, 0xbff0000000000000, 0x0000000993b4dc95, 0x0000000993b4dc95, 0x0000000000000000],
    [0xc087200000000000, 0x0000000000000055, 0xbff0000000000000, 0x0000000000000055, 0x0000000000000055, 0x0000000000000000],
    [0xc08748cccccccccd, 0x0000000000000001, 0xbff0000000000000, 0x0000000000000001, 0x0000000000000001, 0x0000000000000000],
    [0xc087500000000000, 0x0000000000000000, 0xbff0000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000],
    [0x4086300000000000, 0x7ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000000, 0x4086300000000000, 0x3ff0000000000000],
    [0x408f400000000000, 0x7ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000000, 0x408f400000000000, 0x3ff0000000000000],
    [0xc08f400000000000, 0x0000000000000000, 0xbff0000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000],
    [0x4202a05f20000000, 0x7ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000000, 0x4202a05f20000000, 0x3ff0000000000000],
    [0xc202a05f20000000, 0x0000000000000000, 0xbff0000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000],
    [0x7e37e43c8800759c, 0x7ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000000, 0x7e37e43c8800759c, 0x3ff0000000000000],
    [0xfe37e43c8800759c, 0x0000000000000000, 0xbff0000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000],
    [0x3fe798dd36217440, 0x4000b95f9fb678fd, 0x3fe4151e3dca79d6, 0x3fe5a54f00422eb6, 0x3ff20dabae501493, 0x3fe8a043aead5d24],
    [0x3ff73628344d6bc8, 0x40111094fb559410, 0x3fecaaaf47974b47, 0x3fe9ec6aca841816, 0x3ffa94b7752f3cab, 0x3feda678f46b2437],
    [0x3ffc56ad54490d7c, 0x401782bd6ab169b7, 0x3fee33170b9e0abb, 0x3feb58e661cd6419, 0x3ffeda3cecf87360, 0x3feec6846c76f02e],
    [0x40053cd43f0c8f92, 0x402c710547f6dcf3, 0x3fefaf61bda28d68, 0x3fede5c98157a15e, 0x4005c8018b6685fb, 0x3fefdf7c8dcba50f],
    [0x3ff707bf53d30a98, 0x4010df5cf825ffd5, 0x3fec982aed317c81, 0x3fe9de169f0dd842, 0x3ffa6f290655f416, 0x3fed9970073d3e5c],
    [0x40044587912e2426, 0x402934d55bc3fc16, 0x3fef997f6d0b2590, 0x3feda5c9cfbb5921, 0x4004e1e73eaee5ea, 0x3fefd1cda746f5fe],
    [0xc0069b9570f539ae, 0x3fae562d95df1045, 0xbfefc6ae888abe6b, 0x3faca3c318de1766, 0x3fad78cd89a09dcc, 0x3f634ec3d59510ba],
    [0xbfca66dc75820ae0, 0x3fea0929052527ec, 0xbfca089cf6455e0f, 0x3fdcb62001d58355, 0x3fe30ce49b0e34fb, 0x3fdac54d26b36e81],
    [0x400547f7a37e8b7c, 0x402c98ba208aad8f, 0x3fefb03fec87d13b, 0x3fede883f73f047c, 0x4005d26a137efd0e, 0x3fefe001c576ebea],
    [0x3fec9a65b13e9618, 0x40038e5e9f853cbe, 0x3fe6d3430847fcb5, 0x3fe6b5ba2421e4a0, 0x3ff3c9dd84bc5ab7, 0x3fea0ebb1c9819ce],
    [0x40033e43e6f0ec74, 0x40262a713eb82e47, 0x3fef7bb0afa59113, 0x3fed5a044ce64aca, 0x4003ef3008aa12f8, 0x3fefbdd4a14499f4],
    [0xc00290ecd3c4ece8, 0x3fb92389a769e5c6, 0xbfef6384d56fcd32, 0x3fb6e41603129ea3, 0x3fb7fad4a29c6966, 0x3f84c969489da190],
    [0xbfc7c145cca115a0, 0x3fea946b70979487, 0xbfc77c6773a392b1, 0x3fdd0a03e53e7eca, 0x3fe359521f4d9448, 0x3fdb49e3980c31fc],
    [0xbff85439df6e4fcb, 0x3fcbfab7a3504255, 0xbfed14dac432f5bc, 0x3fc6f5e100d985eb, 0x3fc94e04e8c7fac0, 0x3fb06e69b8ffeca0],
    [0x3fd0cdde14e50fb8, 0x3ff4cddeabf8aa4a, 0x3fd06da97b8e43c6, 0x3fe216aa5065ad73, 0x3feaa81f2b37c7ad, 0x3fe35057057d81a7],
    [0x3fdc64b6ebf7c6a0, 0x3ff8ef205e85d3d2, 0x3fdaaa9b2c5cb8d8, 0x3fe37df96cdc9e56, 0x3fee0f5af8858b72, 0x3fe57bb560da4e16],
    [0xc0075eda539ce6de, 0x3fab93e84808d0a9, 0xbfefd09aac487da0, 0x3faa2b13834e9ea4, 0x3faadc564a4463ed, 0x3f5c8dc71f6c3cea],
    [0xbffb31a5ff1a28f5, 0x3fc7647114e313ce, 0xbfedee7ba8c921c7, 0x3fc3c723a113fcc8, 0x3fc57bee23e2267e, 0x3fa6d5f4962a5717],
    [0xbff52b70fdd0a9e2, 0x3fd10b2c2d1eb434, 0xbfebc30112180d58, 0x3fcaeb2d506d2973, 0x3fce38adff727617, 0x3fb7c84d00486ce7],
    [0x4003fc0d4b346acc, 0x4028516c953af018, 0x3fef91ec6fa76809, 0x3fed91763797f5fe, 0x40049deaf933f6f6, 0x3fefccda5a64cc15],
    [0x3ff98277fcac59f4, 0x4013b357e977d93c, 0x3fed774f04860d56, 0x3fea996aa945fcf4, 0x3ffc779ef3c63a83, 0x3fee39edf3139e21],
    [0xc00056c88f6daebc, 0x3fc09aacb3a5dc90, 0xbfeef0dcf65f496b, 0x3fbd652e3b129de1, 0x3fbf396e4c50ed0b, 0x3f950cf17e92da79],
    [0x3ffc86af38dcf96c, 0x4017c9b2a9d2d93a, 0x3fee3d799809ac67, 0x3feb64c7ed1d33bf, 0x3fff034cd1576de6, 0x3feece6a70a511be],
    [0xc00156d3724add8a, 0x3fbd4e4232dee228, 0xbfef2c123e7b4901, 0x3fba4ba67d3a81f9, 0x3fbbbf0a284ceb15, 0x3f8eedfbd5f5d1da],
    [0x3fe68d06baad1208, 0x40002fa84bf552bc, 0x3fe36f6db9a24c52, 0x3fe56a59f38d3af3, 0x3ff1b390a0afc409, 0x3fe84de002d97144],
    [0xc001eb1ead34e0c8, 0x3fbb423a5925203d, 0xbfef4852c257cd00, 0x3fb8a2b20372ad21, 0x3fb9e72410516116, 0x3f89b4c2cdd9508a],
    [0xc007ea30c42a7d6d, 0x3fa9c38e1feaeda6, 0xbfefd69e60c012c9, 0x3fa88791194aee54, 0x3fa922f9c217140f, 0x3f56e706f8bdeff0],
    [0x4001d3d24e082934, 0x4022920dedf2c111, 0x3fef4425100f5375, 0x3fece3854447c64a, 0x4002a54c5ba9362e, 0x3fef961c4247bdc2],
    [0xbffbe46662b7852a, 0x3fc664b937bc9390, 0xbfee196d0bd1fcbe, 0x3fc30f2046480f0c, 0x3fc4a30200ec2bfa, 0x3fa4cf48d8d394bc],
    [0xbffb5055b47a7d56, 0x3fc737bec76278a7, 0xbfedf61b6b9ad342, 0x3fc3a726b56c9020, 0x3fc5561e4254de28, 0x3fa67a21400e3a5e],
    [0x400727fd96fec168, 0x4032132f828e6aff, 0x3fefce00ebe0f507, 0x3fee52893cdbb93b, 0x40079645f5baf39b, 0x3feff0723c3e141c],
    [0x4001e02588ffb85c, 0x4022aec04c6a8f4a, 0x3fef465de89ed6c4, 0x3fece7d65dfd7760, 0x4002b06da5fe5f59, 0x3fef97bddba682fb],
    [0xbff43a09443c768a, 0x3fd2140d8f99cf43, 0xbfeb454c9fca22a3, 0x3fcc31621ea25b4b, 0x3fcfd861f7330787, 0x3fba63c2166df082],
    [0x400626a43b317e76, 0x402fe193708d06a7, 0x3fefbfc653d2592e, 0x3fee1c6d67917d8c, 0x4006a33ff1e8eea6, 0x3fefe8f59c21b484],
    [0x3fce1fa5d41b7fb0, 0x3ff43ed517bef324, 0x3fcd945cb0a4c06b, 0x3fe1dfc404ac24a1, 0x3fea2acd440bc79a, 0x3fe2fa15a01b47e0],
    [0x3ff1125c9f823e40, 0x400740b5bfaf4d07, 0x3fe939eea4673a77, 0x3fe7cf08ba662a12, 0x3ff5cd7b77753327, 0x3feb6ca0ae940703],
    [0xbffc5756b1d1e9f5, 0x3fc5c617ab727b19, 0xbfee333c157152ed, 0x3fc29bbe1f4e55a6, 0x3fc41bb7c82f96d6, 0x3fa395f6ca111749],
    [0x40052ab68dcfb404, 0x402c30e621b5519d, 0x3fefadf3379508c9, 0x3fede15269b83d91, 0x4005b715cf5e4078, 0x3fefde9fbb447f8a],
    [0x3ff24d37625ccff8, 0x40091c556abef640, 0x3fea1a458e9a7524, 0x3fe844b2ef43cd94, 0x3ff6ba0457b83670, 0x3febf5006602e32e],
    [0x400665246bca6358, 0x40306f3eb861189a, 0x3fefc390419bded8, 0x3fee2a20dfd8c969, 0x4006de1d16048db6, 0x3fefeb074cd43508],
    [0x403f7fd45dd50d58, 0x42c5c3d23afe247f, 0x3ff0000000000000, 0x3fefffffffffff44, 0x403f7fd45dd50d5e, 0x3ff0000000000000],
    [0xc03018cda9c8c7c0, 0x3e7b6b3d9e5f7878, 0xbfefffffffffff44, 0x3e7b6b3d6f62ba09, 0x3e7b6b3d86e11933, 0x33eaf143ec853505],
    [0xc02635a907b3ad7a, 0x3eef8a795bf7f93b, 0xbfefffffffc1d2bb, 0x3eef8a5a457442db, 0x3eef8a69d0b102aa, 0x3a12d6317e30dfe8],
    [0xc03ab9384ea45eed, 0x3d85cc42bec78d19, 0xbff0000000000000, 0x3d85cc42bec751b5, 0x3d85cc42bec76f67, 0x1f5b8f9bc91d23c2],
    [0xc03c58065f5ca436, 0x3d613fd703bba4da, 0xbff0000000000000, 0x3d613fd703bb9b8e, 0x3d613fd703bba034, 0x1b5431c9150aef64],
    [0xc04164f8265739ed, 0x3ccc0ed5c95978c2, 0xbff0000000000000, 0x3ccc0ed5c95978bc, 0x3ccc0ed5c95978bf, 0x08f7261f53ec6c07],
    [0xc02fc854cba6e912, 0x3e80d6cd766e0512, 0xbfeffffffffffee4, 0x3e80d6cd52fc47ff, 0x3e80d6cd64b5267c, 0x3436dc082b4bf88c],
    [0x40207f62afb90b10, 0x40adde11bb564223, 0x3fefffffb688d5b1, 0x3feffddb962894ab, 0x40207f84f77c4435, 0x3fefffffffffffff],
    [0xc043dd5b5b05259e, 0x3c59ae7d46435b25, 0xbff0000000000000, 0x3c59ae7d46435b25, 0x3c59ae7d46435b25, 0x0000000000000000],
    [0x402c782fd6274d48, 0x413734953155c3e2, 0x3fefffffffffe193, 0x3feffffe9efa9e22, 0x402c782fec37a3e0, 0x3ff0000000000000],
    [0xc029efbe9aadf710, 0x3ec3929a581f85ea, 0xbfeffffffffe80e9, 0x3ec3929759f24016, 0x3ec39298d908cf7a, 0x3809358f73bee58c],
    [0xc02e681f84e499e4, 0x3e90c0451ebfac26, 0xbfeffffffffffb9e, 0x3e90c044d8996a66, 0x3e90c044fbac8b15, 0x35301640fb2013d9],
    [0x40397b400b0f8644, 0x423b21f27eae3005, 0x3ff0000000000000, 0x3feffffffffed213, 0x40397b400b0f8fb3, 0x3ff0000000000000],
    [0xbff8a56ad092a500, 0x3fcb6e22a993862c, 0xbfed309eb4e424a4, 0x3fc696dfb379173c, 0x3fc8da7379f05a23, 0x3faf9b807376fa4e],
    [0xc02d791d484df606, 0x3e9ab761b4d5003f, 0xbfeffffffffff4d9, 0x3e9ab76102643783, 0x3e9ab7615b9c9b1a, 0x35d18f6839888bc7],
    [0xbff80a5bf464d460, 0x3fcc7d0f943d3d70, 0xbfecfab5bb1e809d, 0x3fc74d5e8330c5d3, 0x3fc9b8cec2ac1dde, 0x3fb104d9aa8e6d59],
    [0x40305f9fb5c2de0c, 0x41689fd2ff315609, 0x3fefffffffffff94, 0x3fefffffd66a4328, 0x40305f9fb70f8bf4, 0x3ff0000000000000],
    [0xc041b84f7bb81657, 0x3cbd4345b09adb9f, 0xbff0000000000000, 0x3cbd4345b09adb9b, 0x3cbd4345b09adb9d, 0x06e6f88c569a9ccb],
    [0x40430104ffb1ef62, 0x435c851f851c269a, 0x3ff0000000000000, 0x3ff0000000000000, 0x40430104ffb1ef62, 0x3ff0000000000000],
    [0xc04315db4c40ff70, 0x3c7e82ba23d74655, 0xbff0000000000000, 0x3c7e82ba23d74655, 0x3c7e82ba23d74655, 0x0000000000015456],
    [0x4033fbcd5393919c, 0x41bc72a07320ee09, 0x3ff0000000000000, 0x3feffffffee00898, 0x4033fbcd539c9157, 0x3ff0000000000000],
    [0x403b97291e0afe28, 0x426bf280db3d757e, 0x3ff0000000000000, 0x3fefffffffffdb5c, 0x403b97291e0aff4d, 0x3ff0000000000000],
    [0xc04346fd0a413213, 0x3c74c8f89bc893d9, 0xbff0000000000000, 0x3c74c8f89bc893d9, 0x3c74c8f89bc893d9, 0x0000000000000000],
    [0x403704e16630329e, 0x4202801ebc3ab89a, 0x3ff0000000000000, 0x3feffffffff2299a, 0x403704e16630a151, 0x3ff0000000000000],
    [0xc025691578790254, 0x3ef7843861ea557a, 0xbfefffffff75be65, 0x3ef78415d1b665cc, 0x3ef7842719c7e62d, 0x3a77d0132a0a4ff9],
    [0x4019204331a63cb0, 0x4080b4bf231c1e04, 0x3feffff152e9a9fb, 0x3feff0b46ea3a49f, 0x4019222d18efc703, 0x3fefffffffe8f532],
    [0xc043a3098dbc6334, 0x3c64407cf963deff, 0xbff0000000000000, 0x3c64407cf963deff, 0x3c64407cf963deff, 0x0000000000000000],
    [0xc0422183a97611c7, 0x3ca9ba3a9f6c0cd4, 0xbff0000000000000, 0x3ca9ba3a9f6c0cd3, 0x3ca9ba3a9f6c0cd4, 0x043f8560e676ee8e],
    [0xc03986c4d5c34b70, 0x3da20a3fb7155fee, 0xbff0000000000000, 0x3da20a3fb714bd35, 0x3da20a3fb7150e91, 0x222f50004874996d],
    [0x4042350acbc59ffc, 0x43372e4d642a7ec5, 0x3ff0000000000000, 0x3fefffffffffffff, 0x4042350acbc59ffc, 0x3ff0000000000000],
    [0xbdbd79791ee5885d, 0x3feffffffffc50d1, 0xbdbd79791ee5885d, 0x3fdffffffffe2868, 0x3fe62e42fef86258, 0x3fdffffffffd0f73],
    [0xbfc25385aaf0b8de, 0x3febbb36f7c7a842, 0xbfc233b9dcca6600, 0x3fddb68f38a937e0, 0x3fe3f8cb54fff27d, 0x3fdc5b5d375d1063],
    [0x3e4d24381c994a7e, 0x3ff0000003a48704, 0x3e4d24381c994a7d, 0x3fe0000001d24382, 0x3fe62e43029ec0f3, 0x3fe0000002e80c99],
    [0x3faa697fe91bfbfe, 0x3ff0d8d77feca08b, 0x3faa63821edbccd3, 0x3fe069a000a0ce8b, 0x3fe7044883ec4ed4, 0x3fe0a88408f86287],
    [0x3f609eac0846a8d7, 0x3ff008517ed38722, 0x3f609eaa89b80317, 0x3fe00427aaea28be, 0x3fe6369369363400, 0x3fe006a15e0d050e],
    [0xbee90c8b27d87791, 0x3fefffe6f37ea5f4, 0xbee90c8b27d359d0, 0x3fdffff379ba6c14, 0x3fe62e3678b71977, 0x3fdfffec0387cdd9],
    [0x3f9536e63a335b0a, 0x3ff055be2f918a6a, 0x3f95361f5a460e9c, 0x3fe02a6d69012900, 0x3fe6838f1ac20965, 0x3fe043b3aede4a7f],
    [0xbe851040288fd028, 0x3fefffffabbeffcd, 0xbe851040288fcff7, 0x3fdfffffd5df7faf, 0x3fe62e42d4d9b9ba, 0x3fdfffffbcc66d0a],
    [0xbdf5d240854d50c7, 0x3fefffffffd45b7f, 0xbdf5d240854d50c7, 0x3fdfffffffea2dbf, 0x3fe62e42fee467af, 0x3fdfffffffdd2da2],
    [0x3fba9ff23d81121b, 0x3ff1c0efff4f4945, 0x3fba877a1613b6b4, 0x3fe0d4ce790199db, 0x3fe7e35460742518, 0x3fe15348cd1b03a3],
    [0x3e2176664900ea7f, 0x3ff00000008bb332, 0x3e2176664900ea7f, 0x3fe000000045d999, 0x3fe62e42ff85ed21, 0x3fe00000006f76e7],
    [0xbe381e88f78f1b9c, 0x3feffffffcfc2ee1, 0xbe381e88f78f1b9c, 0x3fdffffffe7e1771, 0x3fe62e42fd785160, 0x3fdffffffd982de2],
    [0x3e344704f3a307d9, 0x3ff000000144704f, 0x3e344704f3a307d9, 0x3fe0000000a23828, 0x3fe62e43003eaa3e, 0x3fe000000102dd59],
    [0xbf016d7b497bbe11, 0x3fefffba4a5ec826, 0xbf016d7b49602c7b, 0x3fdfffdd25096d16, 0x3fe62e202416a28b, 0x3fdfffc86102c978],
    [0x3fed3b9eae451b1a, 0x4003f1df95eaa146, 0x3fe72159e6de5ff8, 0x3fe6d6ce832f3d75, 0x3ff4033c9ef4f84d, 0x3fea397cc04964d8],
    [0xbf3cb5a263fbdad2, 0x3feffc697f3559e4, 0xbf3cb5a2452c0d73, 0x3fdffe34a5da3b82, 0x3fe62c77b1b4ebc3, 0x3fdffd22fae4bbe2],
    [0xbfe6288fdd44a519, 0x3fe002d9d1d7f8a6, 0xbfe32f8cf74356b2, 0x3fd557dde9570ff9, 0x3fd9f6f0e7a5a24e, 0x3fcf461af5b393ed],
    [0x3d853198f7c1dd18, 0x3ff0000000002a63, 0x3d853198f7c1dd18, 0x3fe0000000001532, 0x3fe62e42fefa6452, 0x3fe00000000021d2],
    [0x3f80dc5816c5c5ab, 0x3ff021dc5246fd7a, 0x3f80dc3f1ff8e7ec, 0x3fe010dc51d90a3d, 0x3fe6500d73af2185, 0x3fe01ae7cf91fb63],
    [0x3f10fce095b673ef, 0x3ff00043f412a295, 0x3f10fce0955051a1, 0x3fe00021f9c12b3a, 0x3fe62e86f2c4b640, 0x3fe00036379bb048],
];

// x, ln(1+x).
#[rustfmt::skip]
const LOGARITHMS: &[[u64; 2]] = &[
    [0x0000000000000001, 0x0000000000000001],
    [0x000012688b70e62b, 0x000012688b70e62b],
    [0x001089ed476ecab0, 0x001089ed476ecab0],
    [0x01a56e1fc2f8f359, 0x01a56e1fc2f8f359],
    [0x3bc79ca10c924223, 0x3bc79ca10c924223],
    [0x3ca0000000000000, 0x3ca0000000000000],
    [0x3cb0000000000000, 0x3cafffffffffffff],
    [0x3e112e0be826d695, 0x3e112e0be801f1d9],
    [0x3ee4f8b588e368f1, 0x3ee4f8aea9ae7317],
    [0x3f50624dd2f1a9fc, 0x3f5060354f8c3ebf],
    [0x3f847ae147ae147b, 0x3f8460d6ccca3677],
    [0x3fb999999999999a, 0x3fb8663f793c46c7],
    [0x3fd0000000000000, 0x3fcc8ff7c79a9a22],
    [0x3fda827999fcef32, 0x3fd62e42fefa39ef],
    [0x3fda827999fcef34, 0x3fd62e42fefa39f0],
    [0x3fdd53bf029d2947, 0x3fd8248012707f69],
    [0x3fe0000000000000, 0x3fd9f323ecbf984c],
    [0x3feccccccccccccd, 0x3fe48a11293d785c],
    [0x3ff0000000000000, 0x3fe62e42fefa39ef],
    [0x3ffd413cccfe7798, 0x3ff0a2b23f3bab73],
    [0x3ffd413cccfe779a, 0x3ff0a2b23f3bab74],
    [0x4000000000000000, 0x3ff193ea7aad030b],
    [0x4008000000000000, 0x3ff62e42fefa39ef],
    [0x4024000000000000, 0x40032ee3b77f374c],
    [0x408f380000000000, 0x401ba18a998fffa0],
    [0x40f86a0000000000, 0x4027069f7a2d94f6],
    [0x4330000000000000, 0x404205966f2b4f12],
    [0x4340000000000001, 0x40425e4f7b2737fa],
    [0x4376345785d8a000, 0x4043926cd770aa67],
    [0x54b249ad2594c37d, 0x406cc845b54b54f2],
    [0x7fe0000000000000, 0x408628b76e3a7b61],
    [0x7fe6a09e667f3bcc, 0x40862b7d369a5aa8],
    [0x7fefffffffffffff, 0x40862e42fefa39ef],
];

// x, Φ(x), φ(x), xΦ(x), Φ(x) + xφ(x).
#[rustfmt::skip]
const NORMAL: &[[u64; 5]] = &[
    [0x0000000000000001, 0x3fe0000000000000, 0x3fd9884533d43651, 0x0000000000000001, 0x3fe0000000000000],
    [0x000012688b70e62b, 0x3fe0000000000000, 0x3fd9884533d43651, 0x0000093445b87316, 0x3fe0000000000000],
    [0x01a56e1fc2f8f359, 0x3fe0000000000000, 0x3fd9884533d43651, 0x01956e1fc2f8f359, 0x3fe0000000000000],
    [0x3c670ef54646d497, 0x3fe0000000000000, 0x3fd9884533d43651, 0x3c570ef54646d497, 0x3fe0000000000000],
    [0x3e45798ee2308c3a, 0x3fe0000002244d56, 0x3fd9884533d43650, 0x3e35798ee5107764, 0x3fe0000004489aac],
    [0x3f50624dd2f1a9fc, 0x3fe00344a4786030, 0x3fd988445da60430, 0x3f4065a68bbed948, 0x3fe0068948de7989],
    [0x3f9013a92a305532, 0x3fe0334ebfce2bf1, 0x3fd98776fdbaab42, 0x3f804736f5f9599e, 0x3fe0669c6b588f00],
    [0x3fb999999999999a, 0x3fe1464507526871, 0x3fd967aba85e91dd, 0x3faba3a1a550a71c, 0x3fe28b7402f0bc89],
    [0x3fe0000000000000, 0x3fe62075e232ac77, 0x3fd6883d022086ac, 0x3fd62075e232ac77, 0x3febc28522bace22],
    [0x3fe6cf41f212d773, 0x3fe8626dc758a57f, 0x3fd3cdeb34780571, 0x3fe1619a6f942de0, 0x3fef71590e2af2ce],
    [0x3ff0000000000000, 0x3feaec4bd120d37d, 0x3fcef8e58e331737, 0x3feaec4bd120d37d, 0x3ff155429a56cca6],
    [0x3ff5017cf41f18bc, 0x3fecf8eaff76e908, 0x3fc591d3d4372e2d, 0x3ff304b32092c9f6, 0x3ff206a2729c9964],
    [0x4000000000000000, 0x3fef45a183e9b13d, 0x3faba4b436e83ad4, 0x3fff45a183e9b13d, 0x3ff15d1c05635c4c],
    [0x4008000000000000, 0x3feff4f10f033d25, 0x3f7227213fd77689, 0x4007f7b4cb426ddc, 0x3ff030edeb4124f6],
    [0x4014000000000000, 0x3fefffff661ae86f, 0x3eb8f16964c8fd3f, 0x4013ffff9fd0d146, 0x3ff000077e7e63b7],
    [0x401a000000000000, 0x3feffffffffa7aff, 0x3df258556ae47e79, 0x4019fffffffb83ef, 0x3ff0000000747bab],
    [0x4020000000000000, 0x3feffffffffffffa, 0x3cf6c0df3a094834, 0x401ffffffffffffa, 0x3ff00000000000b3],
    [0x4021000000000000, 0x3ff0000000000000, 0x3c97899e4c2ad3a6, 0x4021000000000000, 0x3ff0000000000003],
    [0x4022000000000000, 0x3ff0000000000000, 0x3c32f67c5e7a9a39, 0x4022000000000000, 0x3ff0000000000000],
    [0x8000000000000001, 0x3fe0000000000000, 0x3fd9884533d43651, 0x0000000000000000, 0x3fe0000000000000],
    [0x800012688b70e62b, 0x3fe0000000000000, 0x3fd9884533d43651, 0x8000093445b87315, 0x3fe0000000000000],
    [0x81a56e1fc2f8f359, 0x3fe0000000000000, 0x3fd9884533d43651, 0x81956e1fc2f8f359, 0x3fe0000000000000],
    [0xbc670ef54646d497, 0x3fe0000000000000, 0x3fd9884533d43651, 0xbc570ef54646d497, 0x3fe0000000000000],
    [0xbe45798ee2308c3a, 0x3fdffffffbb76554, 0x3fd9884533d43650, 0xbe35798edf50a110, 0x3fdffffff76ecaa8],
    [0xbf50624dd2f1a9fc, 0x3fdff976b70f3f9f, 0x3fd988445da60430, 0xbf405ef51a247ab0, 0x3fdff2ed6e430cee],
    [0xbf9013a92a305532, 0x3fdf99628063a81e, 0x3fd98776fdbaab42, 0xbf7fc036bccea18c, 0x3fdf32c7294ee200],
    [0xbfb999999999999a, 0x3fdd7375f15b2f1e, 0x3fd967aba85e91dd, 0xbfa78f918de28c18, 0x3fdae917fa1e86ee],
    [0xbfe0000000000000, 0x3fd3bf143b9aa712, 0x3fd6883d022086ac, 0xbfc3bf143b9aa712, 0x3fc0f5eb7514c778],
    [0xbfe6cf41f212d773, 0x3fce7648e29d6a02, 0x3fd3cdeb34780571, 0xbfc5b69e09faa64a, 0x3f91d4de3aa1a64c],
    [0xbff0000000000000, 0x3fc44ed0bb7cb20b, 0x3fcef8e58e331737, 0xbfc44ed0bb7cb20b, 0xbfb55429a56cca59],
    [0xbff5017cf41f18bc, 0x3fb838a80448b7bd, 0x3fc591d3d4372e2d, 0xbfbfcc9d38c4ec60, 0xbfc0351394e4cb21],
    [0xc000000000000000, 0x3f974bcf82c9d860, 0x3faba4b436e83ad4, 0xbfa74bcf82c9d860, 0xbfb5d1c05635c4bd],
    [0xc008000000000000, 0x3f561de1f985b5d7, 0x3f7227213fd77689, 0xbf7096697b244861, 0xbf8876f5a0927b12],
    [0xc014000000000000, 0x3e933ca2f2133831, 0x3eb8f16964c8fd3f, 0xbeb80bcbae98063d, 0xbeddf9f98eda090c],
    [0xc01a000000000000, 0x3dc61404b2da0191, 0x3df258556ae47e79, 0xbdf1f043d1512146, 0xbe1d1eeaa81c7d78],
    [0xc020000000000000, 0x3cc669d2c90d55ce, 0x3cf6c0df3a094834, 0xbcf669d2c90d55ce, 0xbd266737eee512dd],
    [0xc021000000000000, 0x3c65dbbaccf1a4e0, 0x3c97899e4c2ad3a6, 0xbc97397679c0bf2e, 0xbcc8aac945b9ba4d],
    [0xc022000000000000, 0x3c00a7afbb1ee67c, 0x3c32f67c5e7a9a39, 0xbc32bca5b282c34c, 0xbc6512ad2b5d71e6],
    [0xc027ae147ae147ae, 0x394f78e1b7262676, 0x3987740947ffe86f, 0xb9874a17ab5eca8b, 0xb9c13b83bf159536],
    [0xc02f000000000000, 0x34c543b1842c894e, 0x3504af596e6a2b62, 0xb5049993f80b2503, 0xb543f49af172ad7e],
    [0xc034000000000000, 0x2d8c0bd0f1880783, 0x2dd1928c553065a4, 0xadd1876296f504b2, 0xae15e9298203bb09],
    [0xc03af833b2a39512, 0x1ec2ede7fbc8d941, 0x1f0ff370b8e0de90, 0x9f0fe83dae90b99a, 0x9f5ae426ea2abdae],
    [0xc03e000000000000, 0x16f7795ad05ea397, 0x1746080417588184, 0x974601c52358b95d, 0x9794a1a57f2ee1c3],
    [0xc040c826afd2de73, 0x0cbfce88d517a228, 0x0d10b1fe64a1e2ef, 0x8d10ae35b5c536a0, 0x8d617edddda42d45],
    [0xc042000000000000, 0x0518e0e76581e5ae, 0x056c028975123156, 0x856bfd0452322264, 0x85bf7ca269db1707],
    [0xc042800000000000, 0x01ceaccc6bfeb0af, 0x0221bf35e596c740, 0x8221bbe62e6f3e25, 0x82748140b7e8d68c],
    [0xc042b33333333333, 0x0075f36452e2b553, 0x00c9ac5a598ca04b, 0x80c9a7aa0dac2a53, 0x811dfbf325fad5dd],
    [0xc042c28f5c28f5c3, 0x000fa1a74fef8600, 0x006257445b535a20, 0x806253f055678fad, 0x80b57d4aef54c951],
    [0xc042cccccccccccd, 0x0000c5daf5e261b0, 0x001d149d50b5f484, 0x801d0f5c1d3ff2af, 0x8071129e99f9c2ee],
    [0xc043000000000000, 0x00000000037b23b8, 0x00000000845eb885, 0x8000000084474d57, 0x80000013a2944007],
    [0xc043333333333333, 0x000000000000000d, 0x0000000000000201, 0x8000000000000201, 0x8000000000004cf7],
    [0xc0434ccccccccccd, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x8000000000000009],
    [0xc044000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000],
    [0x4034000000000000, 0x3ff0000000000000, 0x2dd1928c553065a4, 0x4034000000000000, 0x3ff0000000000000],
    [0x4042cccccccccccd, 0x3ff0000000000000, 0x001d149d50b5f484, 0x4042cccccccccccd, 0x3ff0000000000000],
    [0x4043400000000000, 0x3ff0000000000000, 0x000000000000000b, 0x4043400000000000, 0x3ff0000000000000],
];

// x, sin x, cos x: near multiples of π/2 and up to the end of the range that the kernels reduce.
#[rustfmt::skip]
const WAVES: &[[u64; 3]] = &[
    [0x0000000000000001, 0x0000000000000001, 0x3ff0000000000000],
    [0x000012688b70e62b, 0x000012688b70e62b, 0x3ff0000000000000],
    [0x01a56e1fc2f8f359, 0x01a56e1fc2f8f359, 0x3ff0000000000000],
    [0x3bc79ca10c924223, 0x3bc79ca10c924223, 0x3ff0000000000000],
    [0x3e45798ee2308c3a, 0x3e45798ee2308c3a, 0x3ff0000000000000],
    [0x3f50624dd2f1a9fc, 0x3f50624da5218a62, 0x3feffffef390876c],
    [0x3fb999999999999a, 0x3fb98eaecb8bcb2c, 0x3fefd712f9a817c1],
    [0x3fe0000000000000, 0x3fdeaee8744b05f0, 0x3fec1528065b7d50],
    [0x3fe921fb54442d18, 0x3fe6a09e667f3bcc, 0x3fe6a09e667f3bcd],
    [0x3fe921fb54442d19, 0x3fe6a09e667f3bcd, 0x3fe6a09e667f3bcc],
    [0x3ff0000000000000, 0x3feaed548f090cee, 0x3fe14a280fb5068c],
    [0x3ff921fb54442d18, 0x3ff0000000000000, 0x3c91a62633145c07],
    [0x3ff921fb54442d19, 0x3ff0000000000000, 0xbca72cece675d1fd],
    [0x4000000000000000, 0x3fed18f6ead1b446, 0xbfdaa22657537205],
    [0x4002d97c7f3321d2, 0x3fe6a09e667f3bcd, 0xbfe6a09e667f3bcc],
    [0x4008000000000000, 0x3fc210386db6d55b, 0xbfefae04be85e5d2],
    [0x400921fb54442d18, 0x3ca1a62633145c07, 0xbff0000000000000],
    [0x4010000000000000, 0xbfe837b9dddc1eae, 0xbfe4eaa606db24c1],
    [0x4012d97c7f3321d2, 0xbff0000000000000, 0xbcaa79394c9e8a0a],
    [0x4015fdbbe9bba775, 0xbfe6a09e667f3bce, 0x3fe6a09e667f3bcb],
    [0x401921fb54442d18, 0xbcb1a62633145c07, 0x3ff0000000000000],
    [0x401c000000000000, 0x3fe50608c26d0a08, 0x3fe81ff79ed92017],
    [0x4036000000000000, 0xbf8220a29f6eb9f4, 0xbfefffadd8d4acda],
    [0x4059000000000000, 0xbfe03425b78c4db8, 0x3feb981dbf665fdf],
    [0x4076300000000000, 0xbeff9bd0307d1de3, 0xbfefffffffc18e4c],
    [0x4086300000000000, 0x3f0f9bd0303f6faf, 0x3fefffffff063930],
    [0x40c81cd6c8b43958, 0xbfe687d5890974a5, 0x3fe6b94c3bbe24b8],
    [0x40e9782de03f2eeb, 0xbff0000000000000, 0x3d602547d7a1d096],
    [0x40f0366fc4a7caa7, 0x3d48adc076963a54, 0x3ff0000000000000],
    [0x40f244f2a8ce1ae2, 0xbff0000000000000, 0xbdbb07936ba2d86c],
    [0x40f869f800000000, 0x3fe055f282f41bda, 0xbfeb8428c9f69a31],
    [0x40f9639000000000, 0xbef40efdf1eb8de7, 0x3fefffffffe6da77],
    [0x4129716e00000000, 0x3ec366f4e5709850, 0xbfefffffffffa1e4],
    [0x412e848000000000, 0xbfd6664b2568d867, 0x3fedf9df9906d32c],
    [0x4154ac55c0000000, 0xbe64823bba96de72, 0xbfeffffffffffff9],
    [0x416312d000000000, 0x3fdaea414a8a3352, 0xbfed085be7a8f4a1],
    [0x41a3c0fa72000000, 0xbe42960433905818, 0xbff0000000000000],
    [0x41b887e063000000, 0x3e25ca4c2eec7d5c, 0x3ff0000000000000],
    [0x41cdcd6500000000, 0x3fe1778cae83c69b, 0x3feacff8c7364234],
    [0x41cfffffffffffff, 0xbfe3c12385cbf55d, 0x3fe92cb4430fba6a],
    [0x800012688b70e62b, 0x800012688b70e62b, 0x3ff0000000000000],
    [0xbfd3333333333333, 0xbfd2e9cd95baba33, 0x3fee921dd42f09ba],
    [0xc004000000000000, 0xbfe326af0dcfcab1, 0xbfe9a2f7ef858b7d],
    [0xbff921fb54442d18, 0xbff0000000000000, 0x3c91a62633145c07],
    [0xc00921fb54442d18, 0xbca1a62633145c07, 0xbff0000000000000],
    [0xc0f86a0000000000, 0xbfa24daa9c527e96, 0xbfeffac3841b3da7],
];
