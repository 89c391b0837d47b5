//! Delivery guarantees: when a record can be lost, doubled or reordered, setting by setting.
//!
//! This chapter is about the way from a [`Producer`] to the log. Each statement names the test of this
//! repository that shows it; a check keeps the names true. What one broker alone cannot show says that it
//! needs several brokers, and rests on what Kafka documents.
//!
//! # The three outcomes
//!
//! | outcome | the record is | send it again? |
//! |---|---|---|
//! | [`Delivered`] | in the log, as far as `acks` asks for | no |
//! | [`NotDelivered`] | not in the log, and never will be | yes: it cannot be doubled by that, but it comes behind what was sent meanwhile |
//! | [`Unknown`] | perhaps in the log | only if a double does no harm |
//!
//! - Every send ends as one of the three. It is buffered, or [`NotDelivered`], within `max.block.ms`, which
//!   it waits for the topic and for memory (test: `integration/tests/faults/metadata.rs`:
//!   `waiting_in_vain_names_the_limit_as_it_was_set_and_the_last_cause`); from then on it ends within
//!   `delivery.timeout.ms`, and a second (test: `integration/tests/faults/produce.rs`:
//!   `out_of_time_in_flight_is_unknown_and_never_sent_is_not_delivered`). So the longest that
//!   [`Producer::send`] takes is both together.
//! - The records of one [`Producer::send_all`] have one `max.block.ms` together
//!   (test: `integration/tests/faults/absent.rs`: `many_records_share_one_limit`).
//! - What is told is true against the log, whatever goes wrong meanwhile
//!   (test: `integration/tests/soak/embedded.rs`: `outcomes_are_true_whatever_goes_wrong`).
//! - [`Unknown`] is told when a request may have written the record and no answer has settled it, see
//!   [below](#when-the-outcome-is-unknown) (test: `integration/tests/faults/produce.rs`:
//!   `out_of_time_after_refusals_tells_what_is_known`).
//! - Once in doubt, a record stays so: a later refusal does not make it [`NotDelivered`]
//!   (test: `integration/tests/faults/produce.rs`: `a_batch_refused_after_a_lost_answer_is_unknown`).
//! - A record whose outcome is [`Unknown`] and that is sent again is another record to the brokers: it may be
//!   there twice. Give records an id of your own if their readers must tell
//!   (test: `integration/tests/faults/outcomes.rs`:
//!   `what_is_sent_again_after_an_unknown_outcome_may_be_there_twice`).
//! - What is [`NotDelivered`] and sent again is there once (test: `integration/tests/faults/outcomes.rs`:
//!   `what_is_sent_again_after_it_was_not_delivered_is_there_once`).
//! - [`Delivered::offset`] is `None` where the broker does not tell it: the record is in the log all the same
//!   (test: `integration/tests/faults/outcomes.rs`:
//!   `an_offset_that_the_broker_does_not_tell_is_none_for_every_record`).
//!
//! What to do on each: on [`Delivered`], nothing. On [`NotDelivered`], send again if the error
//! [is retriable](crate::Error::is_retriable), after a moment (`retry.backoff.ms`: some of these errors come
//! without delay), else mend what it names. On [`Unknown`], choose between a loss and a double: do not send
//! again what must not be twice, send again what must not be missing. After an error that
//! [is fatal](crate::Error::is_fatal) the producer takes nothing any more: make another one first.
//!
//! - What is retriable heals by itself. A topic that is not there, a partition that its topic lacks, or a
//!   name that no topic can have do not, and are not retriable (test: `integration/tests/faults/absent.rs`:
//!   `what_no_sending_again_heals_is_not_retriable`). So sending again as above never turns in a circle for a
//!   mistake.
//!
//! # When the outcome is unknown
//!
//! - The request was sent, or a part of it, and no answer came: the connection ended, or the answer took
//!   longer than `request.timeout.ms`, could not be read, or left the partition out
//!   (test: `integration/tests/faults/produce.rs`:
//!   `an_answer_that_never_comes_is_given_up_and_doubles_nothing`).
//! - The broker said that it had appended but not enough replicas followed in time
//!   (`NOT_ENOUGH_REPLICAS_AFTER_APPEND`, `REQUEST_TIMED_OUT`), or that it failed, which may be before or
//!   after it appended (`KAFKA_STORAGE_ERROR`, `UNKNOWN_SERVER_ERROR`, `NETWORK_EXCEPTION`)
//!   (test: `integration/tests/faults/produce.rs`: `out_of_time_after_refusals_tells_what_is_known`).
//! - With `acks=all`, the broker said that it is not the leader (`NOT_LEADER_OR_FOLLOWER`): a leader that is
//!   deposed after it appended, while it waits for replicas, says the same as one that never was, and the
//!   next leader may have the record. With `acks=1` nothing was appended, and the record is [`NotDelivered`]
//!   (test: `integration/tests/faults/produce.rs`: `out_of_time_after_refusals_tells_what_is_known`).
//! - Any of these happened to an earlier attempt, and a later one was refused
//!   (test: `integration/tests/faults/produce.rs`: `a_batch_refused_after_a_lost_answer_is_unknown`), also
//!   for a producer that the broker has forgotten meanwhile (test: `integration/tests/faults/outcomes.rs`:
//!   `a_forgotten_producer_with_a_batch_in_doubt_is_unknown`).
//! - The request was under way when its wait ended: with `delivery.timeout.ms`
//!   (test: `integration/tests/faults/produce.rs`:
//!   `out_of_time_in_flight_is_unknown_and_never_sent_is_not_delivered`), with the limit of
//!   [`Producer::close_within`] (test: `integration/tests/faults/outage.rs`:
//!   `flush_and_close_end_at_the_limit_that_they_are_given`), with the producer
//!   (test: `integration/tests/faults/outcomes.rs`: `a_producer_that_is_dropped_gives_up_what_it_has`), or
//!   with its runtime (test: `integration/tests/network/runtimes.rs`:
//!   `deliveries_flushes_and_closes_end_with_their_runtime`).
//! - The topic was deleted, or made anew, while any of these was so
//!   (test: `integration/tests/faults/absent.rs`: `a_topic_that_was_deleted_is_told_as_gone_and_once`).
//! - [`Producer::blocking_send`] has buffered the record and nobody drives the client's runtime
//!   (test: `integration/tests/network/runtimes.rs`:
//!   `a_thread_that_waits_for_a_runtime_that_nobody_drives_is_told_in_time`).
//!
//! All else that a broker says is a refusal: the record is not in the log.
//!
//! # With every default
//!
//! `acks=all` with idempotence: no record that is [`Delivered`] is lost, none is written twice, and the
//! records of a partition stand in the order they were buffered in.
//!
//! - That holds when answers are lost (test: `integration/tests/behaviour/idempotence.rs`:
//!   `lost_answers_double_nothing_and_keep_the_order`), when connections end before or after a request was
//!   applied (test: `integration/tests/faults/produce.rs`: `connections_that_end_double_nothing`), and when
//!   the broker is killed and comes back (test: `integration/broker/tests/restart/kills.rs`:
//!   `clients_survive_kills_of_the_broker_without_loss_or_doubles`).
//! - It holds when the leader of a partition moves (test: `integration/tests/faults/leaders.rs`:
//!   `a_leader_that_moves_under_load_stops_doubles_and_reorders_nothing`).
//! - It holds when the process stands still for a while, however long
//!   (test: `integration/tests/faults/clocks.rs`: `a_process_that_stands_still_loses_and_doubles_nothing`).
//! - It holds when sequences have to start over: what may be in the log keeps its own, in other partitions
//!   too (test: `integration/tests/faults/produce.rs`:
//!   `a_sequence_that_does_not_follow_doubles_nothing_elsewhere`).
//! - A broker that has forgotten the producer, because what it wrote is gone by retention, is no loss and is
//!   not told as one (test: `integration/tests/faults/outcomes.rs`:
//!   `a_broker_that_forgot_the_producer_has_lost_nothing`); with a record in doubt it proves nothing, and
//!   that record is [`Unknown`] (test: `integration/tests/faults/outcomes.rs`:
//!   `a_forgotten_producer_with_a_batch_in_doubt_is_unknown`).
//! - A record that fails leaves a gap and stops no other: those behind it are written, in their order
//!   (test: `integration/tests/faults/produce.rs`: `a_refusal_for_good_fails_its_batch_alone`).
//! - It holds for the life of one producer. What another producer sends, also the same program's after a
//!   restart, is not recognised as the same record (test: `integration/tests/faults/outcomes.rs`:
//!   `what_another_producer_sends_again_is_there_twice`).
//!
//! # Setting by setting
//!
//! ## `acks`
//!
//! - `all`, the default: a record that is acknowledged is in every replica that is in sync, and lost only if
//!   all of them are (needs several brokers to show).
//! - `1`: the leader alone has the record when it is acknowledged. It is lost, although it was [`Delivered`],
//!   if the leader fails before the others have copied it (needs several brokers to show).
//! - With `1` and `0`, idempotence is off (test: `kafka-client/src/producer/config.rs`:
//!   `acks_other_than_all_switch_idempotence_off_unless_it_was_asked_for`), and asking for it is refused
//!   (test: `kafka-client/src/producer/config.rs`:
//!   `settings_that_contradict_each_other_are_refused_with_their_names`); so a retry can double and reorder,
//!   see below.
//! - `0`: a record is [`Delivered`] when it was handed to the network, without an offset
//!   (test: `integration/tests/behaviour/produce.rs`: `without_acks_records_arrive_and_have_no_offset`).
//!   Whether the broker took it, nobody is told (test: `integration/tests/faults/outcomes.rs`:
//!   `without_acks_a_refused_record_counts_as_delivered`); what is under way when a connection ends is lost
//!   (test: `integration/tests/faults/produce.rs`:
//!   `without_acks_a_connection_that_ends_does_not_stop_the_producer`).
//!
//! ## `min.insync.replicas`, of the topic
//!
//! - With fewer replicas in sync than that, a broker refuses records under `acks=all`; they are sent again
//!   until there are enough (test: `integration/tests/faults/produce.rs`:
//!   `refusals_that_pass_are_retried_in_order`), and are [`NotDelivered`] when the time is over
//!   (test: `integration/tests/faults/produce.rs`: `out_of_time_after_refusals_tells_what_is_known`).
//! - If the broker had appended the record before it found too few, the outcome is [`Unknown`]
//!   (test: `integration/tests/faults/produce.rs`: `out_of_time_after_refusals_tells_what_is_known`).
//! - With 1, Kafka's own default, an acknowledgement may rest on the leader alone: use 2 of 3 replicas (needs
//!   several brokers to show).
//!
//! ## `unclean.leader.election.enable`, of the topic
//!
//! - When it is on, a replica that lacks records may become the leader, and what it lacks is lost, although
//!   it was [`Delivered`]: leave it off (needs several brokers to show).
//!
//! ## `enable.idempotence`
//!
//! - Off, an answer that is lost doubles the batch, also with `acks=all`
//!   (test: `integration/tests/faults/outcomes.rs`: `without_idempotence_a_lost_answer_doubles_a_record`).
//! - Off, a batch that is refused for the moment is overtaken by the one behind it, unless
//!   `max.in.flight.requests.per.connection` is 1 (test: `integration/tests/faults/outcomes.rs`:
//!   `without_idempotence_a_refused_batch_is_overtaken_unless_one_is_in_flight`).
//!
//! ## `max.in.flight.requests.per.connection`
//!
//! - With idempotence, up to five keep the order (test: `kafka-client/src/producer/window.rs`:
//!   `five_batches_are_under_way_and_numbered_in_order`); more are refused when the producer is built
//!   (test: `kafka-client/src/producer/config.rs`:
//!   `settings_that_contradict_each_other_are_refused_with_their_names`).
//!
//! ## `delivery.timeout.ms`, and retries
//!
//! - There is no number of retries: what may pass is tried again until this time is over
//!   (test: `integration/tests/faults/leaders.rs`: `an_unknown_topic_id_is_retried_until_the_time_is_over`).
//!   What no retry heals, such as a right that is missing, ends the record at once
//!   (test: `integration/tests/faults/produce.rs`: `a_refusal_for_good_fails_its_batch_alone`).
//! - A record that was never sent when the time is over is [`NotDelivered`]; one whose request is under way
//!   is [`Unknown`], and what comes behind it keeps its order (test: `integration/tests/faults/produce.rs`:
//!   `out_of_time_in_flight_is_unknown_and_never_sent_is_not_delivered`).
//! - A partition without a leader costs its own records their time, and no other's
//!   (test: `integration/tests/faults/leaders.rs`: `a_partition_without_a_leader_stops_no_other`).
//! - The time is that of a clock that does not jump (test: `integration/tests/faults/clocks.rs`:
//!   `a_wall_clock_that_jumps_changes_timestamps_and_no_timer`).
//!
//! ## `buffer.memory` and `max.block.ms`
//!
//! - While memory is full, sending waits; after `max.block.ms` the record is [`NotDelivered`], and was never
//!   buffered (test: `integration/tests/faults/produce.rs`: `a_full_buffer_makes_send_wait_and_then_fail`).
//! - So is one whose topic is not there, after a short grace (test: `integration/tests/faults/metadata.rs`:
//!   `a_misspelt_topic_is_an_error_after_a_short_grace`). As long as it is used, further records are so at
//!   once, while it is looked for: once it is made, it is found within a second or so
//!   (test: `integration/tests/faults/absent.rs`: `a_missing_topic_under_load_fails_at_once_and_is_told`).
//! - [`Producer::try_enqueue`] waits for nothing. It has the topic looked for
//!   (test: `integration/tests/faults/absent.rs`: `who_only_tries_has_its_topic_looked_for`), and tells what
//!   is wrong with it (test: `integration/tests/faults/absent.rs`:
//!   `who_only_tries_is_told_what_no_waiting_heals`).
//!
//! ## `linger.ms`, flush, close, and the end of the process
//!
//! - Until its batch is sent, which `linger.ms` puts off (test: `integration/tests/faults/lingering.rs`:
//!   `a_batch_lingers_exactly_as_long_as_it_is_told`), a record is in memory alone.
//! - [`Producer::flush`] ends when all that was buffered before it has its outcome
//!   (test: `integration/tests/behaviour/produce.rs`: `flush_settles_everything`), also the parts of batches
//!   that are split (test: `integration/tests/behaviour/produce.rs`:
//!   `flush_settles_every_part_of_a_batch_that_is_split`).
//! - [`Producer::close`] does the same and ends the producer (test: `integration/tests/behaviour/produce.rs`:
//!   `close_delivers_everything_and_ends_the_producer`); what is sent meanwhile is in the log or
//!   [`NotDelivered`] (test: `integration/tests/faults/outcomes.rs`:
//!   `a_send_that_races_with_close_has_an_outcome`).
//! - With a limit of their own, [`Producer::flush_within`] leaves what is pending to go on, and
//!   [`Producer::close_within`] gives it up: [`Unknown`] if its request is under way, else [`NotDelivered`]
//!   (test: `integration/tests/faults/outage.rs`: `flush_and_close_end_at_the_limit_that_they_are_given`).
//! - Dropping the last clone of a producer gives up at once, in the same way
//!   (test: `integration/tests/faults/outcomes.rs`: `a_producer_that_is_dropped_gives_up_what_it_has`). So
//!   does the end of its runtime (test: `integration/tests/network/runtimes.rs`:
//!   `deliveries_flushes_and_closes_end_with_their_runtime`).
//! - A process that dies does it too, and there is nobody to be told
//!   (test: `integration/tests/faults/outcomes.rs`: `a_producer_that_is_dropped_gives_up_what_it_has`). Where
//!   that matters, take for done only what is [`Delivered`].
//!
//! ## Futures that are dropped
//!
//! - Dropping the future of a send before the record is buffered sends nothing; after that it is written all
//!   the same (test: `integration/tests/faults/outcomes.rs`:
//!   `a_send_that_is_dropped_is_written_whole_or_not_at_all`).
//! - Dropping a [`Delivery`] changes nothing for the record (test: `integration/tests/behaviour/produce.rs`:
//!   `a_dropped_delivery_changes_nothing`). If it fails, the next flush or close says so
//!   (test: `integration/tests/faults/doubt.rs`: `flush_and_close_tell_of_records_that_nobody_looked_at`),
//!   and if none comes, a warning when the producer is dropped (test: `integration/tests/faults/health.rs`:
//!   `a_producer_that_is_dropped_warns_of_failures_that_nobody_was_told_of`).
//!
//! ## Batches that are too large
//!
//! - A batch over the topic's `max.message.bytes` is split and sent in parts, in order, each record once
//!   (test: `integration/tests/behaviour/produce.rs`: `batches_over_the_topics_limit_are_split`).
//! - The parts are not all or nothing: each ends for itself (test: `integration/tests/faults/outcomes.rs`:
//!   `the_parts_of_a_split_batch_end_each_for_itself`).
//! - A record that is too large by itself is [`NotDelivered`] (test: `integration/tests/behaviour/errors.rs`:
//!   `a_record_over_the_topics_limit_is_an_error`).
//! - Of a batch that the broker refuses for some of its records, none is written: the bad ones are told
//!   apart, and the others may be sent again (test: `integration/tests/faults/doubt.rs`:
//!   `the_record_to_blame_is_told_apart_from_the_others`).
//!
//! ## The partitioner, and partitions that are added
//!
//! - Order is kept within a partition. Records with the same key are in one, as long as the topic keeps its
//!   number of partitions (test: `integration/tests/behaviour/produce.rs`:
//!   `keys_go_where_javas_client_sends_them`) and whoever else writes to it has the same partitioner
//!   (test: `kafka-client/src/producer/partitioner/hash.rs`: `keys_go_where_librdkafka_sends_them`).
//! - When partitions are added, a key may go to another one from then on: its later records can be read
//!   before its earlier ones (test: `integration/tests/faults/leaders.rs`:
//!   `partitions_that_are_added_are_used_and_keys_move`).
//! - Records without a key are spread, and have no order among them
//!   (test: `integration/tests/behaviour/produce.rs`: `records_without_a_key_reach_every_partition`).
//! - A record for a partition that the client has not heard of yet is [`NotDelivered`] at once; it hears of
//!   new ones within `metadata.max.age.ms` (test: `integration/tests/faults/leaders.rs`:
//!   `partitions_that_are_added_are_used_and_keys_move`).
//!
//! ## A topic that is deleted and made anew
//!
//! - What the former topic had is gone with it. An answer is for the topic that the request named: a record
//!   can be [`Delivered`] and gone (test: `integration/tests/faults/doubt.rs`:
//!   `an_answer_is_for_the_topic_that_was_asked`).
//! - What may be in the former topic is [`Unknown`] and not sent to the new one; what was never sent goes to
//!   the new one (test: `integration/tests/faults/metadata.rs`:
//!   `a_topic_made_anew_gets_what_was_not_sent_and_nothing_of_the_former`).
//! - Until it is made anew, records wait for it as long as `delivery.timeout.ms`, as those of a topic that
//!   vanishes for a while do (test: `integration/tests/faults/metadata.rs`:
//!   `a_topic_that_vanishes_for_a_while_delays_its_records_and_no_more`). Then their error says that the
//!   topic is gone, which is told as one trouble meanwhile (test: `integration/tests/faults/absent.rs`:
//!   `a_topic_that_was_deleted_is_told_as_gone_and_once`).
//! - If the new one has fewer partitions, what was for the others is given up
//!   (test: `integration/tests/faults/callbacks.rs`: `functions_may_send_when_a_topic_was_made_anew`).
//!
//! [`Producer`]: crate::producer::Producer
//! [`Producer::blocking_send`]: crate::producer::Producer::blocking_send
//! [`Producer::send`]: crate::producer::Producer::send
//! [`Producer::send_all`]: crate::producer::Producer::send_all
//! [`Producer::try_enqueue`]: crate::producer::Producer::try_enqueue
//! [`Producer::flush`]: crate::producer::Producer::flush
//! [`Producer::flush_within`]: crate::producer::Producer::flush_within
//! [`Producer::close`]: crate::producer::Producer::close
//! [`Producer::close_within`]: crate::producer::Producer::close_within
//! [`Delivery`]: crate::producer::Delivery
//! [`Delivered`]: crate::producer::Delivered
//! [`Delivered::offset`]: crate::producer::Delivered::offset
//! [`NotDelivered`]: crate::SendError::NotDelivered
//! [`Unknown`]: crate::SendError::Unknown
