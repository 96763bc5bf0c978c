"""The laws of priors: of the class, and of one that is trained on the kit's world or was loaded."""

from __future__ import annotations

from c2l.conformance.law import Law
from c2l.conformance.laws import prior_files as files
from c2l.conformance.laws import prior_options as options
from c2l.conformance.laws import prior_sampling as sampling
from c2l.conformance.laws import prior_training as training
from c2l.conformance.laws.common import (
    FIRST_LAWS,
    all_numbers_lie_in_the_state,
    another_process_gets_the_same_answers,
    made_again_it_is_the_same,
    settings_can_be_stored,
    stays_here,
    the_fingerprint_follows_the_state,
    the_number_of_threads_does_not_matter,
    using_it_does_not_end_the_process,
)
from c2l.conformance.laws.told_priors import (
    a_class_that_is_told_is_obeyed,
    a_told_latent_depends_on_its_row_alone,
    learns_no_classes,
    pairs_of_classes_are_learnt,
)

_ANSWERS = (sampling.sampling_again_gives_the_same_latents,)

PRIOR_LAWS: tuple[Law, ...] = (
    *FIRST_LAWS,
    Law(training.it_can_be_built, needs=(using_it_does_not_end_the_process,)),
    Law(training.unknown_settings_are_refused, needs=(training.it_can_be_built,)),
    Law(training.it_can_be_fitted, needs=(training.it_can_be_built,)),
    Law(training.fitting_leaves_pairs_and_process_alone, needs=(training.it_can_be_fitted,)),
    Law(training.what_is_no_pair_is_refused, needs=(training.it_can_be_fitted,)),
    Law(
        training.the_loss_is_a_number,
        needs=(training.it_can_be_fitted,),
        unless=training.needs_no_gradient,
    ),
    Law(
        training.the_loss_leaves_the_process_alone,
        (training.the_loss_is_a_number,),
        training.needs_no_gradient,
    ),
    Law(
        training.the_loss_depends_on_pairs_and_rng_alone,
        needs=(training.the_loss_leaves_the_process_alone,),
        unless=training.needs_no_gradient,
    ),
    Law(
        sampling.latents_have_their_shape,
        needs=(training.it_can_be_fitted, training.the_loss_is_a_number),
    ),
    Law(
        options.latents_have_their_shape_with_every_option,
        needs=(sampling.latents_have_their_shape,),
        unless=options.supports_nothing,
    ),
    Law(settings_can_be_stored, needs=(sampling.latents_have_their_shape,)),
    Law(sampling.sampling_leaves_the_process_alone, needs=(sampling.latents_have_their_shape,)),
    Law(sampling.sampling_leaves_its_embeddings_alone, needs=(sampling.latents_have_their_shape,)),
    Law(
        sampling.sampling_again_gives_the_same_latents,
        needs=(
            sampling.sampling_leaves_the_process_alone,
            sampling.sampling_leaves_its_embeddings_alone,
        ),
    ),
    Law(sampling.a_latent_is_the_same_in_any_batch, needs=_ANSWERS),
    Law(sampling.no_embeddings_give_no_latents, needs=(sampling.latents_have_their_shape,)),
    Law(sampling.every_seed_has_a_stream_of_its_own, needs=_ANSWERS),
    Law(sampling.the_embedding_decides, needs=_ANSWERS),
    Law(
        options.a_supported_option_makes_a_difference,
        needs=(options.latents_have_their_shape_with_every_option, *_ANSWERS),
        unless=options.supports_nothing,
    ),
    Law(
        options.an_option_that_it_does_not_support_changes_nothing,
        needs=_ANSWERS,
        unless=options.supports_all,
    ),
    Law(
        options.a_way_leads_from_sample_to_sample,
        needs=(options.a_supported_option_makes_a_difference,),
        unless=options.knows_no_way,
    ),
    Law(
        options.staying_near_begins_where_it_is,
        needs=(options.a_supported_option_makes_a_difference,),
        unless=options.stays_nowhere,
    ),
    Law(sampling.what_cannot_be_asked_is_refused, needs=(sampling.latents_have_their_shape,)),
    Law(
        training.it_learns,
        needs=(sampling.the_embedding_decides, sampling.a_latent_is_the_same_in_any_batch),
    ),
    Law(pairs_of_classes_are_learnt, needs=(training.it_learns,), unless=learns_no_classes),
    Law(
        a_class_that_is_told_is_obeyed,
        needs=(pairs_of_classes_are_learnt,),
        unless=learns_no_classes,
    ),
    Law(
        a_told_latent_depends_on_its_row_alone,
        needs=(pairs_of_classes_are_learnt,),
        unless=learns_no_classes,
    ),
    Law(the_fingerprint_follows_the_state, needs=(settings_can_be_stored,)),
    Law(files.a_saved_prior_draws_as_before, needs=(settings_can_be_stored, *_ANSWERS)),
    Law(files.a_loaded_prior_can_be_used_at_once, needs=(files.a_saved_prior_draws_as_before,)),
    Law(files.saving_leaves_the_prior_alone, needs=(files.a_saved_prior_draws_as_before,)),
    Law(files.in_float16_it_draws_nearly_the_same, needs=(files.saving_leaves_the_prior_alone,)),
    Law(files.a_file_that_is_cut_is_refused, needs=(files.a_saved_prior_draws_as_before,)),
    Law(
        made_again_it_is_the_same,
        needs=(files.a_saved_prior_draws_as_before, the_fingerprint_follows_the_state),
    ),
    Law(
        another_process_gets_the_same_answers,
        needs=(made_again_it_is_the_same,),
        unless=stays_here,
    ),
    Law(the_number_of_threads_does_not_matter, needs=_ANSWERS),
    Law(all_numbers_lie_in_the_state, needs=(made_again_it_is_the_same,)),
)
