"""Tests of what needs no peer: `python3 -m unittest discover -s peers` (standard library only)."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import plan
import report


def measured(system, case, operation, median, variant="v", **more):
    return {"system": system, "case": case, "operation": operation, "variant": variant, **report.summary([median] * 7), **more}


class Plan(unittest.TestCase):
    def test_slow_calls_are_sampled_three_times_and_others_seven_times_at_least(self):
        for seconds in (1e-6, 1e-3, 0.5, 2.0, 4.9):
            rounds, calls, _ = plan.sampling(seconds, quick=False)
            self.assertGreaterEqual(rounds, 7)
            self.assertLessEqual(calls * seconds, max(0.1001, seconds))
        self.assertEqual(plan.sampling(12.0, quick=False), (3, 1, 0))

    def test_two_variants_enter_the_rounds_but_one_where_calls_are_slow(self):
        self.assertEqual(plan.finalists({"a": 3.0, "b": 1.0, "c": 2.0}), ["b", "c"])
        self.assertEqual(plan.finalists({"a": 13.0, "b": 11.0}), ["b"])
        self.assertEqual(plan.finalists({}), [])

    def test_dense_steps_use_the_best_hessian_and_no_cholesky_where_the_matrix_is_indefinite(self):
        offered = [f"{h} + {s}" for h in ("x", "y") for s in ("lu", "cholesky", "scipy-lu", "scipy-cholesky", "single-cholesky")]
        names = plan.candidates("torch", "dense-implicit-step", "A", offered, "y", True, False)
        self.assertEqual(names, ["y + lu", "y + scipy-lu"])
        names = plan.candidates("torch", "dense-implicit-step", "B", offered, "x", False, False)
        self.assertEqual(names, ["x + cholesky", "x + scipy-cholesky", "x + single-cholesky"])
        self.assertEqual(plan.candidates("torch", "dense-implicit-step", "B", offered, None, False, False), [])

    def test_a_restricted_run_takes_the_hessians_that_dense_steps_need(self):
        offered = ["gradient", "full-hessian", "dense-implicit-step", "top-eigenpairs"]
        self.assertEqual(plan.chosen_operations(offered, []), offered)
        self.assertEqual(plan.chosen_operations(offered, ["top-eigenpairs"]), ["top-eigenpairs"])
        self.assertEqual(plan.chosen_operations(offered, ["dense-implicit-step"]), ["full-hessian", "dense-implicit-step"])

    def test_eigenpairs_are_tried_with_the_settings_of_the_short_list(self):
        offered = [f"{setting}, {kind}" for setting in (*plan.EIGENPAIR_SHORT_LIST, "ARPACK tol 1e-03 ncv 40") for kind in ("a", "b")] + ["LOBPCG"]
        names = plan.candidates("jax", "top-eigenpairs", "C", offered, None, False, False)
        self.assertEqual(names, [*offered[:6], "LOBPCG"])
        self.assertEqual(plan.candidates("jax", "top-eigenpairs", "C", offered, None, False, True), offered)
        self.assertEqual((plan.residual_bar("top-eigenpairs"), plan.residual_bar("implicit-step")), (1e-6, 1e-10))

    def test_every_round_has_every_entry_in_another_order(self):
        rounds = [plan.rotated([1, 2, 3], k) for k in range(3)]
        self.assertEqual(rounds, [[1, 2, 3], [2, 3, 1], [3, 1, 2]])

    def test_every_row_is_timed_in_some_group(self):
        for row in plan.ROWS:
            kind = "original" if "original" in row.bars else "cases"
            together = [group for group in plan.GROUPS[kind] if row.operation in group and row.against in group]
            self.assertEqual(len(together), 1, row)


class Report(unittest.TestCase):
    def test_numbers_have_three_digits(self):
        texts = [report.seconds(s) for s in (12.04, 0.99999, 0.0123, 1.5e-6, 0.21)]
        self.assertEqual(texts, ["12.0 s", "1.00 s", "12.3 ms", "1.50 us", "210 ms"])
        self.assertEqual([report.ratio_text(r) for r in (1580.2, 19.94, 0.864)], ["1580", "19.9", "0.86"])

    def test_a_ratio_is_that_to_the_fastest_peer_that_reached_the_residual(self):
        found = [
            measured("gf", "A", "implicit-step", 1.0),
            measured("jax", "A", "matrix-free-step", 2.0, residual=1e-6, missed=True),
            measured("jax", "A", "matrix-free-step", 5.0, residual=1e-11),
        ]
        line = next(line for line in report.rows(found, [], "A") if line["against"] == "matrix-free-step")
        self.assertEqual((line["ratio"], line["verdict"]), (5.0, "ok"))

    def test_where_all_peers_miss_the_residual_it_stands_in_place_of_a_ratio(self):
        found = [measured("gf", "A", "implicit-step", 1.0), measured("jax", "A", "matrix-free-step", 9.0, residual=3e-6, missed=True)]
        line = next(line for line in report.rows(found, [], "A") if line["against"] == "matrix-free-step")
        self.assertEqual((line["ratio"], line["verdict"]), (None, "residual 3.0e-06"))
        self.assertIn("3.0e-06", report.terminal([line]))

    def test_eigenpairs_show_the_products_of_both_sides_and_those_of_checks_apart(self):
        found = [
            measured("gf", "C", "top-eigenpairs", 0.04, residual=2e-7, work={"products": 39, "checks": 10}),
            measured("jax", "C", "top-eigenpairs", 0.13, residual=3e-7, work={"products": 54}),
            measured("torch", "C", "top-eigenpairs", 0.03, residual=3e-5, missed=True, work={"products": 37}),
        ]
        lines = report.rows(found, [], "C")
        self.assertAlmostEqual(lines[0]["ratio"], 3.25)
        self.assertIn("| C | 39 + 10 | 2.0e-07 | 54 | 3.0e-07 | jax v |", report.markdown_eigenpairs(lines))
        self.assertIn("39 + 10", report.terminal_eigenpairs(lines))
        self.assertEqual(report.terminal_eigenpairs([]), "")

    def test_a_ratio_below_its_bar_is_named(self):
        found = [measured("gf", "C", "gradient", 1.0), measured("torch", "C", "gradient", 2.49), measured("jax", "C", "gradient", 3.0)]
        line = next(line for line in report.rows(found, [], "C") if line["operation"] == "gradient")
        self.assertEqual((line["peer"]["system"], line["verdict"]), ("torch", "below"))

    def test_a_peer_that_failed_says_why_in_its_row(self):
        failures = [{"system": "torch", "case": "B", "operation": "all", "variant": "", "error": "No module named 'torch'"}]
        lines = report.rows([measured("gf", "B", "gradient", 1.0)], failures, "B")
        self.assertIn("No module named 'torch'", next(line for line in lines if line["operation"] == "gradient")["verdict"])

    def test_lines_fit_a_terminal(self):
        found = [
            measured("gf", "B", "implicit-step", 0.0012),
            measured("gf", "B", "dense-implicit-step", 0.09),
            measured("torch", "B", "dense-implicit-step", 0.5, "vmap(vjp), 256 at a time + scipy-cholesky", compile=12.3),
        ]
        for line in report.terminal(report.rows(found, [], "B")).splitlines():
            self.assertLessEqual(len(line), 121)


if __name__ == "__main__":
    unittest.main()
