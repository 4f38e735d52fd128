"""The findings of the review before the verifier was built, and the tests that hold each of them closed.

The review tried a literal reading of the first rules on stock CPython; its findings are numbered 1 to 42. A test is
named by its file and its name; an attack of the ledger by `attack:` and its name.
"""

from __future__ import annotations

_VERIFIER, _GRAMMAR, _STATIC, _HOOK = (
    f"tests/unit/enforce/test_{name}.py" for name in ("verifier", "grammar", "static", "hook_parts")
)
_DOORS, _MODES, _PROCESSES, _SOURCES, _START, _UNPICKLERS, _COMMANDS = (
    f"tests/compat/test_{name}.py"
    for name in ("doors", "modes", "processes", "sources", "start", "unpicklers", "commands")
)
_LIBRARIES = "tests/real/enforce/test_libraries.py"

FINDINGS: dict[int, tuple[str, ...]] = {
    1: ("attack:_reconstructor with a constructor in the place of a base", "attack:_reconstructor starts a process",
        f"{_VERIFIER}::test_reconstructor_takes_what_pickle_writes"),
    2: ("attack:a call by INST of a function that may only be referenced",
        "attack:a call by OBJ of a function that may only be referenced",
        f"{_VERIFIER}::test_inst_without_arguments_instantiates_a_class_of_globals"),
    3: (f"{_VERIFIER}::test_a_state_brings_obligations_for_what_may_be_called_and_for_slots",
        f"{_VERIFIER}::test_results_of_calls_are_changed_under_a_guard"),
    4: ("attack:a class made by NEWOBJ of a metaclass", "attack:a class made by NEWOBJ of another metaclass",
        "attack:a state for an Enum through __new__"),
    5: ("attack:a state for a logger", "attack:a state for the member of an Enum",
        "attack:a state for an object that a module holds", "attack:a state for what a cached function returned"),
    6: ("attack:a state for a singleton through __new__",
        "attack:a second state that reaches __setstate__ of the first",
        "attack:a state for one instance of a table, through __new__"),
    7: ("attack:a state whose key replaces a method that __del__ calls",),
    8: ("attack:a state with a special name that copy looks up",
        f"{_VERIFIER}::test_special_names_in_a_state_take_literal_data_only"),
    9: ("attack:a special name written into a state after it was set",
        f"{_VERIFIER}::test_a_state_is_frozen_through_every_alias"),
    10: ("attack:a slot state that sets a property",),
    11: ("attack:a class that may be referenced, called by map", "attack:map by NEWOBJ", "attack:a finalizer",
         "attack:the factory of a default dict"),
    12: ("attack:an extension code that the policy does not list",),
    13: ("attack:an extension code whose cached object is another than its name says",
         "attack:an extension code from the cache, in front of an import of the same name"),
    14: ("attack:a frame that holds a second pickle",),
    15: (f"{_SOURCES}::test_long_literals_stay_in_the_file_or_are_spooled",
         f"{_UNPICKLERS}::test_one_unpickler_loads_several_pickles_with_one_memo"),
    16: (f"{_VERIFIER}::test_the_memo_lives_as_long_as_its_unpickler",
         f"{_VERIFIER}::test_memo_entries_of_the_application_are_its_data",
         f"{_UNPICKLERS}::test_one_unpickler_loads_several_pickles_with_one_memo"),
    17: ("attack:a name in bytes that an encoding turns into another",
         f"{_STATIC}::test_texts_of_python_2_need_their_encoding"),
    18: ("attack:a walk through something that is no class",
         "attack:a dotted name that a module's __getattr__ receives",
         f"{_VERIFIER}::test_dotted_names_are_refused_below_protocol_4"),
    19: ("attack:an entry of sys.modules that is no module",
         "attack:a module name of Python 2 that stands for another module"),
    20: ("attack:arguments that run code when they are iterated",),
    21: (f"{_GRAMMAR}::test_a_doubling_tuple_as_a_key_is_refused_before_it_is_hashed",
         f"{_GRAMMAR}::test_a_deep_tuple_as_a_key_is_refused",
         "tests/attacks/test_bombs.py::test_judging_takes_time_in_proportion"),
    22: ("attack:a refused name inside a persistent id that the application calls",
         f"{_VERIFIER}::test_a_name_inside_a_persistent_id_counts_as_used"),
    23: (f"{_GRAMMAR}::test_a_spelling_is_judged_as_the_table_says",
         f"{_GRAMMAR}::test_stock_does_what_the_table_says"),
    24: (f"{_VERIFIER}::test_a_bound_method_is_data",),
    25: (f"{_VERIFIER}::test_getattr_is_an_import_of_the_dotted_name",),
    26: (f"{_VERIFIER}::test_a_state_brings_obligations_for_what_may_be_called_and_for_slots",),
    27: (f"{_VERIFIER}::test_code_that_was_written_by_value_is_refused_by_name",),
    28: (f"{_VERIFIER}::test_honest_streams_are_clean_under_their_least_policy",
         "attack:builtins.type with three arguments"),
    29: (f"{_VERIFIER}::test_helpers_need_no_entry_and_are_not_data_without_one",),
    30: (f"{_MODES}::test_a_name_outside_the_policy_is_an_inert_stub",
         f"{_HOOK}::test_a_stub_is_restored_as_a_stub"),
    31: (f"{_UNPICKLERS}::test_an_overridden_find_class_is_judged_by_the_name_that_reaches_the_base",),
    32: (f"{_UNPICKLERS}::test_handlers_that_differ_from_what_was_judged_are_refused",
         f"{_DOORS}::test_unpicklers_in_the_style_of_libraries_work"),
    33: (f"{_VERIFIER}::test_honest_streams_are_clean_under_their_least_policy",
         f"{_VERIFIER}::test_getattr_is_an_import_of_the_dotted_name"),
    34: (f"{_DOORS}::test_functions_are_not_bound_when_a_class_holds_them",),
    35: (f"{_START}::test_the_images_pythonpath_is_put_back",),
    36: (f"{_START}::test_another_sitecustomize_in_front_is_survived",
         f"{_COMMANDS}::test_a_pth_file_hooks_an_environment"),
    37: (f"{_START}::test_a_hook_that_fails_ends_the_process",),
    38: (f"{_START}::test_python_2_runs_on_without_the_enforcer",),
    39: (f"{_DOORS}::test_the_hook_survives_reload_and_a_new_import",),
    40: (f"{_PROCESSES}::test_subinterpreters_are_enforced",),
    41: (f"{_DOORS}::test_what_was_taken_before_the_hook_is_refused_by_the_audit_hook",),
    42: (f"{_PROCESSES}::test_threads_load_at_the_same_time",
         "tests/attacks/test_findings.py::test_loading_leaves_the_collector_as_the_application_set_it"),
}  # fmt: skip
