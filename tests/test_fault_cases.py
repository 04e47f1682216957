"""Which test holds the program to each case of bad input; a name that is gone fails."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
KDIFFE = "data/readers/test_kdiffe_reader.py"
PICKLE = "data/readers/test_safe_pickle.py"
ARRAYS = "data/readers/test_arrays.py"
SHARED = "data/readers/test_shared_ids.py"
NEIGHBOURS = "data/content/test_neighbours.py"
FAULTS = "launch/test_prepare_faults.py"
FLAGS = "launch/test_flags.py"
MAIN = "launch/test_main_errors.py"

CASES = {
    "missing file": [(FAULTS, "test_missing_files"), (KDIFFE, "test_missing_test_matrix")],
    "empty file": [
        (FAULTS, "test_damaged_files"),
        (PICKLE, "test_empty_missing_and_pointer_files"),
    ],
    "truncated file": [(KDIFFE, "test_truncated_feature"), (PICKLE, "test_truncated_file")],
    "half an archive": [(KDIFFE, "test_feature_that_is_half_an_archive")],
    "zip not unzipped": [(KDIFFE, "test_zipped_feature_asks_to_be_unzipped")],
    "LFS pointer": [
        (KDIFFE, "test_triples_that_are_a_pointer"),
        (KDIFFE, "test_feature_that_is_a_pointer"),
    ],
    "a pickle of something else": [(PICKLE, "test_other_content_is_refused")],
    "a pickle with a foreign class": [
        (PICKLE, "test_foreign_names_are_refused_and_not_run"),
        (PICKLE, "test_the_attacks_are_real"),
    ],
    "pickles of old and new SciPy": [
        (PICKLE, "test_module_names_of_old_scipy_and_numpy"),
        (PICKLE, "test_state_of_coo_before_scipy_1_13"),
        (PICKLE, "test_sparse_round_trip_of_every_protocol"),
    ],
    "a dense array": [(PICKLE, "test_dense_round_trip")],
    "duplicates and stored zeros": [(PICKLE, "test_duplicates_are_summed_and_zeros_dropped")],
    "negative, NaN and infinite values": [(PICKLE, "test_bad_values_name_their_row")],
    "bool, int8 and float16": [(PICKLE, "test_sparse_round_trip_of_every_dtype")],
    "splits of different shapes": [(KDIFFE, "test_shapes_that_differ")],
    "splits that overlap": [
        (KDIFFE, "test_overlap_names_splits_user_and_item"),
        ("data/test_dataset.py", "test_overlap_is_refused"),
    ],
    "a test user without training": [(KDIFFE, "test_reads_every_part")],
    "an item that is cold in training": [
        ("evaluation/test_split_scores.py", "test_cold_items_by_hand")
    ],
    "users of no split, or of one": [
        ("evaluation/test_ranking.py", "test_users_without_relevant_items_are_left_out")
    ],
    "feature rows that are not the items": [(KDIFFE, "test_feature_rows_must_match_items")],
    "NaN and infinity in features": [(KDIFFE, "test_feature_row_that_is_not_finite_is_named")],
    "feature rows of zeros": [("data/content/test_dense.py", "test_zero_rows_are_left_out")],
    "constant features": [
        ("data/content/test_codebooks.py", "test_constant_columns_become_zero"),
        (NEIGHBOURS, "test_standardised_constant_features_relate_nothing"),
    ],
    "features in half precision": [(KDIFFE, "test_half_precision_and_integer_features")],
    "equal feature rows": [
        ("data/content/test_codebooks.py", "test_no_more_codes_than_different_rows")
    ],
    "features of objects": [(KDIFFE, "test_feature_of_objects_is_not_unpickled")],
    "a damaged header": [(ARRAYS, "test_damaged_headers_are_refused_or_read")],
    "a modality or the graph is absent": [(KDIFFE, "test_features_and_triples_may_be_absent")],
    "blank lines, comments, CRLF, tabs": [(KDIFFE, "test_triple_lines_with_every_kind_of_blank")],
    "two or four columns, no integer, negative": [(KDIFFE, "test_bad_triple_line_is_named")],
    "an id beyond what is declared": [(KDIFFE, "test_head_that_is_no_item")],
    "triples twice, several relations a pair": [
        (KDIFFE, "test_duplicate_triples_are_kept_once"),
        (SHARED, "test_an_item_and_an_entity_by_two_relations"),
    ],
    "items without a triple": [(KDIFFE, "test_items_without_a_triple")],
    "an empty graph": [(KDIFFE, "test_graph_without_triples")],
    "a degenerate graph": [
        ("data/test_knowledge.py", "test_is_degenerate"),
        ("data/test_knowledge.py", "test_features_replace_triples_and_it_is_said"),
    ],
    "similarities of another shape": [
        ("data/test_extra_files.py", "test_similarities_that_do_not_fit"),
        (NEIGHBOURS, "test_similarity_of_another_shape"),
    ],
    "a diagonal in similarities": [(NEIGHBOURS, "test_similarity_without_diagonal_and_zeros")],
    "S of other parameters": [
        ("models/kdiffe/test_similarity.py", "test_cache_key_has_every_parameter")
    ],
    "a walk on an isolated node": [
        ("models/kdiffe/test_random_walk.py", "test_isolated_node_sees_itself"),
        ("models/kdiffe/test_random_walk.py", "test_empty_graph"),
    ],
    "ids: unicode, large, colliding": [
        ("data/tables/test_ids.py", "test_unicode_and_odd_blanks_survive"),
        ("data/tables/test_ids.py", "test_ids_that_collide_are_told"),
        (KDIFFE, "test_entity_ids_above_int32_are_renumbered"),
        ("data/test_prepare.py", "test_external_ids_follow_their_items_through_the_k_core"),
    ],
    "unknown flag, bad type, missing flag file": [
        (FLAGS, "test_bad_command_line_names_what_is_wrong"),
        (MAIN, "test_bad_flag"),
    ],
    "recursive flag file": [(FLAGS, "test_recursive_flag_file_ends")],
    "unknown model, option of another model": [
        (FLAGS, "test_what_is_no_word_of_the_model_is_refused_with_the_closest"),
        ("test_config.py", "test_unknown_names_are_told_with_the_closest"),
    ],
    "a flag out of its range": [
        (FLAGS, "test_value_out_of_range_names_its_flag"),
        ("test_config.py", "test_value_outside_its_range"),
    ],
    "flags that contradict each other": [
        ("test_config.py", "test_variance_that_falls_or_reaches_one"),
    ],
    "q beyond the entities": [
        (
            "models/kdiffe/test_refused_options.py",
            "test_more_relations_to_keep_than_there_are_entities",
        )
    ],
    "a batch beyond the data": [("training/test_sampler.py", "test_last_step_is_padded")],
    "a single step of noise": [
        ("models/kdiffe/test_hidden_reverse.py", "test_equals_the_literal_process")
    ],
    "more items asked for than there are": [
        ("evaluation/test_ranking.py", "test_fewer_candidates_than_k")
    ],
    "the word False": [(FLAGS, "test_flag_reaches_the_config")],
    "a run of another configuration": [
        (MAIN, "test_run_of_another_configuration_lists_the_fields"),
        ("storage/test_run_directory.py", "test_another_configuration_is_refused_by_field"),
    ],
    "a cache that cannot be written": [(MAIN, "test_cache_that_cannot_be_written")],
}


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_tests(case):
    assert CASES[case]
    for file, name in CASES[case]:
        assert name in functions_of(file), f"{file}::{name}"
