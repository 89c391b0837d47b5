//! Consuming: which call when, what a commit means in each, and what happens on a rebalance, with a slow
//! handler, a record that cannot be read, and at the end.
//!
//! Each statement names the test of this repository that shows it; a check keeps the names true. Many of
//! these tests are run against Apache Kafka as well.
//!
//! # Which call when
//!
//! | you have | use | processed is |
//! |---|---|---|
//! | a loop that works on one record after the other | [`recv`], or the consumer as a stream | what was handed out before the latest call |
//! | work that is done for many records together | [`poll`] | the same: all that an earlier call gave |
//! | the least CPU for each record, and no need to keep it | [`recv_batch`] | the same |
//! | work that ends in any order, on any task | [`manual_ack`] and [`recv`](crate::consumer::AckConsumer::recv) | what was acknowledged, without a gap |
//! | a task for each partition | [`partition_streams`] | what was handed out before the latest call of its stream |
//! | handlers that run at the same time, in order of each key | [`for_each_concurrent`] | the same: a handler that returns `Ok` acknowledges |
//! | functions that say by their arguments what they need, with retries and dead letters | [`Kafka::listen`](crate::Kafka::listen), see [`services`](crate::services) | the same, or what the broker has of it elsewhere |
//!
//! All settings are of the [`ConsumerBuilder`](crate::consumer::ConsumerBuilder), before the first of
//! `topic::<T>()`, `manual_ack()` and `partition_streams()`. In this they are alike, and in the rest they are
//! not, for these reasons:
//!
//! - Whichever of them follow, it is started by `subscribe`, `subscribe_matching` or `assign`, and with a type
//!   by `start`; `subscribe_as`, `subscribe_matching_as` and `assign_as` are for types that name no topic
//!   (test: `integration/tests/faults/consume.rs`: `every_kind_of_consumer_starts_in_every_way`).
//!
//! | only | has | because |
//! |---|---|---|
//! | `manual_ack`, `partition_streams` | `revoke_timeout` | it is about records in work |
//! | `manual_ack` | `max_unacked` | a stream has one record at hand |
//! | `manual_ack` | `for_each_concurrent` | its handlers end in any order |
//! | neither of the two | `poll` | it is for records that are done with together |
//! | neither, and no type | `recv_batch` | it gives records in the bytes they came in |
//! | neither of the two | `commit` of its own, not the handle's alone | what is acknowledged is stored in the background |
//!
//! # What a commit means
//!
//! Every offset that is stored is that of the next record to be read. Three ways lead to it:
//!
//! - Auto-commit, the default, stores what was *processed*: asking for the next record says that those before
//!   are done with, so the record at hand is left out (test: `integration/tests/behaviour/commits.rs`:
//!   `auto_commit_leaves_out_the_record_at_hand`). Records that one call gave together are processed when the
//!   next call comes (test: `integration/tests/faults/consume.rs`:
//!   `records_given_together_are_committed_when_the_next_are_asked_for`).
//! - [`commit`] and [`commit_async`] store all that was handed out, the record at hand included, and
//!   auto-commit does not go back behind that (test: `integration/tests/behaviour/commits.rs`:
//!   `auto_commit_does_not_go_back_behind_a_commit`).
//! - With [`manual_ack`] all of them store the offset of the first record that is not acknowledged
//!   (test: `integration/tests/faults/acks.rs`: `what_is_stored_is_what_is_done_without_a_gap`).
//!
//! And for all of them:
//!
//! - Before the first call for a record nothing is stored by itself, so that a tool may look at a group's
//!   offsets without moving them (test: `integration/tests/faults/commits.rs`:
//!   `who_asks_for_no_record_commits_nothing_by_itself`).
//! - Commits take effect in the order they are made in (test: `integration/tests/behaviour/commits.rs`:
//!   `commits_take_effect_in_order`), also when one of them waits for a rebalance
//!   (test: `integration/tests/faults/commits.rs`:
//!   `a_commit_held_up_by_a_rebalance_does_not_go_back_behind_a_later_one`). A later one takes the place of
//!   one that is not sent yet, so committing faster than the coordinator answers costs nothing
//!   (test: `integration/tests/faults/commits.rs`: `commits_faster_than_the_coordinator_starve_nothing`).
//! - A commit ends within `default.api.timeout.ms`, and says what it waited for
//!   (test: `integration/tests/faults/commits.rs`:
//!   `commits_and_close_end_at_their_limits_although_the_coordinator_is_silent`).
//! - Each partition has an outcome of its own: one whose topic is gone fails its own commit and holds no other
//!   (test: `integration/tests/faults/commits.rs`:
//!   `a_partition_whose_topic_is_gone_holds_no_commit_and_no_close`).
//! - Of a partition that has gone to another member nothing is stored, and who was handed out records of it
//!   is told with the next commit, once; the rest is stored (test: `integration/tests/faults/commits.rs`:
//!   `a_commit_after_a_partition_went_says_so`).
//! - What was not stored comes again after a crash (test: `integration/tests/behaviour/commits.rs`:
//!   `what_is_not_committed_comes_again`); nothing that was not processed is skipped
//!   (test: `integration/tests/soak/consumers.rs`:
//!   `whatever_goes_wrong_every_record_is_handled_and_commits_only_grow`).
//! - Offsets of partitions that were assigned by hand are stored again each minute, though they are the same:
//!   without members a group's offsets expire (test: `integration/tests/faults/commits.rs`:
//!   `offsets_of_partitions_assigned_by_hand_are_stored_again`).
//!
//! # Where reading begins
//!
//! - Where the group has stored an offset, else where `auto.offset.reset` says
//!   (test: `integration/tests/behaviour/consume.rs`: `reading_begins_where_the_offset_reset_says`). While a
//!   stored offset cannot be told, the partition waits, and no other with it
//!   (test: `integration/tests/faults/commits.rs`:
//!   `a_partition_whose_offset_is_not_told_holds_no_other`).
//! - A partition that is made after the member was started begins at its first record, unless that is wished
//!   otherwise (test: `integration/tests/faults/members.rs`:
//!   `a_partition_that_comes_later_begins_at_its_first_record`).
//! - From an offset that is no longer in the log it goes on where `auto.offset.reset` says, or by choice
//!   ([`OffsetReset::Nearest`]) at what is nearest to the record that was read last
//!   (test: `integration/tests/faults/fetching.rs`: `from_out_of_range_it_goes_on_at_what_is_nearest`).
//! - Every position that is moved by something else than you is told, with from, to and why
//!   (test: `integration/tests/faults/fetching.rs`: `every_reset_is_told_with_from_to_and_why`).
//! - A log that was truncated is found before anything of it is read
//!   (test: `integration/tests/faults/truncation.rs`:
//!   `a_truncated_log_is_told_and_read_on_from_where_the_logs_part`), and a topic that was made anew is another
//!   topic: nothing of the old one is applied to it (test: `integration/tests/faults/members.rs`:
//!   `a_topic_made_anew_under_a_consumer_is_told_and_read_by_policy`).
//!
//! # Topics that match
//!
//! - [`subscribe_matching`] takes in every topic whose name matches, also those that come later; the cluster's
//!   own are left out (test: `integration/tests/behaviour/matching.rs`:
//!   `topics_that_match_are_read_also_those_that_come_later`), and so are those that you may not see (test:
//!   `integration/tests/faults/matching.rs`: `internal_and_refused_topics_do_not_match`).
//! - A topic that comes is found within `metadata.max.age.ms` and read from its first record. One that is
//!   deleted is given up when that is sure, and is not made again by asking for it
//!   (test: `integration/tests/faults/matching.rs`:
//!   `a_topic_that_goes_is_given_up_and_one_that_comes_again_is_new`); so is one that you may not see any
//!   more (test: `integration/tests/faults/matching.rs`:
//!   `a_topic_that_may_not_be_seen_any_more_is_given_up`). A broker that lags behind and leaves a topic out
//!   costs no rebalance (test: `integration/tests/faults/matching.rs`:
//!   `a_broker_that_leaves_a_topic_out_costs_no_rebalance`).
//! - While nothing matches, the member is in its group and waits, which is told once in the log (test:
//!   `integration/tests/faults/matching.rs`: `while_no_topic_matches_a_member_waits_in_its_group`).
//! - Members may have different predicates: each topic is shared by those whose predicate it matches (test:
//!   `integration/tests/behaviour/matching.rs`:
//!   `members_with_different_patterns_share_what_both_match`).
//! - What is subscribed to may change at any time, between names and predicates too (test:
//!   `integration/tests/behaviour/matching.rs`: `a_member_goes_from_a_pattern_to_names_and_back`).
//! - All topics are asked for with each refresh of the metadata, and only those that match are remembered
//!   (test: `integration/tests/faults/matching.rs`: `topics_that_do_not_match_are_not_remembered`). None is
//!   made by that (test: `integration/tests/faults/matching.rs`:
//!   `nothing_that_matches_is_made_by_asking_for_it`).
//! - A predicate that panics ends the consumer with its words (test: `integration/tests/faults/matching.rs`:
//!   `a_predicate_that_panics_ends_the_consumer_with_its_words`).
//!
//! # A rebalance
//!
//! - With the default assignor, partitions that a member keeps go on flowing all the while
//!   (test: `integration/tests/behaviour/groups.rs`:
//!   `kept_partitions_flow_while_a_rebalance_is_held_open`).
//! - Before a partition goes, nothing more of it is handed out, what was handed out is waited for, and what
//!   was processed is stored: with auto-commit and in good order no record is handled twice
//!   (test: `integration/tests/soak/consumers.rs`: `members_that_come_and_go_handle_every_record_once`).
//! - With one of the eager assignors every member gives all up before it joins. A running group changes from
//!   eager to cooperative one member after the other, in two rounds, and loses and repeats nothing
//!   (test: `integration/tests/behaviour/groups.rs`:
//!   `a_group_moves_to_the_cooperative_protocol_member_by_member`).
//! - Who commits by hand has a last chance: [`RebalanceEvent::Revoking`], in which a commit still counts
//!   (test: `integration/tests/faults/members.rs`: `a_listener_that_waits_keeps_its_member_in_the_group`).
//! - With [`manual_ack`], what is in work is waited for, `revoke_timeout` at most; an acknowledgement that comes
//!   later does not count, and the next owner handles the record
//!   (test: `integration/tests/faults/acks.rs`:
//!   `a_partition_goes_when_what_is_in_work_is_done_or_after_the_limit`).
//! - With [`partition_streams`], the stream of a partition that goes ends when it is asked for the next record,
//!   which is what the rebalance waits for, `revoke_timeout` at most; the next owner goes on behind it
//!   (test: `integration/tests/faults/streams.rs`: `a_stream_ends_when_its_partition_goes`).
//! - Your listener runs on a task of its own: it delays neither heartbeats nor commits, and its panic ends the
//!   consumer with its words (test: `integration/tests/faults/members.rs`:
//!   `a_listener_that_panics_ends_the_consumer_with_its_words`).
//!
//! # Who gets what
//!
//! - The group's leader divides, as Java's assignors of the same names do (test:
//!   `kafka-client/src/consumer/group/assignor/tests/java.rs`:
//!   `random_groups_get_what_java_s_assignors_give_them`): members of both clients make one group.
//! - Members with a [`rack`] get partitions that have a replica there, as far as everybody's part stays even,
//!   and others when replicas move to other racks (test: `integration/tests/faults/members.rs`:
//!   `members_follow_the_replicas_into_their_racks`).
//! - An [assignor of your own] is one function, on the leader (test: `integration/tests/faults/members.rs`:
//!   `an_assignor_of_the_user_s_divides_the_group`). When it panics, or gives what it must not, its consumer
//!   ends with an error that names it, and nothing is assigned (test:
//!   `integration/tests/faults/members.rs`:
//!   `an_assignor_that_panics_or_errs_ends_the_consumer_with_its_words`).
//!
//! # A slow handler
//!
//! - The member stays in its group as long as it asks for records within `max.poll.interval.ms`; it is warned
//!   before that is over (test: `integration/tests/faults/members.rs`:
//!   `a_member_that_asks_too_rarely_is_warned_before_it_loses_its_place`), and a call that waits for records
//!   counts as asking, whatever it brings (test: `integration/tests/faults/members.rs`:
//!   `polls_that_bring_errors_keep_a_member_in_its_group`).
//! - When it is over, the member leaves, you are told by [`ErrorKind::GroupLost`], and it joins again with your
//!   next call (test: `integration/tests/behaviour/groups.rs`: `a_member_that_does_not_poll_loses_its_place`).
//! - With [`manual_ack`] a record that takes long holds up its own partition at `max_unacked`, and no other,
//!   and is told by [`Kafka::health`] (test: `integration/tests/faults/acks.rs`:
//!   `a_record_that_takes_long_holds_up_its_partition_only`).
//! - A stream of [`partition_streams`] that is slow holds up its own partition, and no other
//!   (test: `integration/tests/faults/streams.rs`: `a_slow_stream_holds_up_no_other`); one that is dropped is
//!   given anew, from the record at hand on (test: `integration/tests/faults/streams.rs`:
//!   `a_stream_that_is_dropped_is_given_anew_from_the_record_at_hand`).
//! - One that is dropped without an acknowledgement is told by [`Kafka::health`] within seconds, and nobody waits
//!   for it (test: `integration/tests/faults/acks.rs`:
//!   `a_record_that_was_dropped_holds_up_no_close_and_is_told`).
//! - With [`partition_streams`], records that are in hand count against `max.poll.interval.ms`, and streams that
//!   wait do not (test: `integration/tests/faults/streams.rs`:
//!   `records_in_hand_make_a_member_overdue_and_streams_that_wait_do_not`).
//! - A paused partition keeps its place and what was fetched of it (test: `integration/tests/faults/consume.rs`:
//!   `pauses_fetch_nothing_twice`), and takes no buffer from others
//!   (test: `integration/tests/faults/consume.rs`:
//!   `a_paused_partition_keeps_its_place_and_takes_no_buffer_from_others`).
//!
//! # A record that cannot be read
//!
//! - A damaged batch is an error with its place and stops its partition: nothing is skipped silently
//!   (test: `integration/tests/faults/consume.rs`: `a_damaged_batch_is_an_error_with_its_place`). The error has
//!   the offset to [`seek`] to (test: `integration/tests/faults/fetching.rs`:
//!   `a_corrupt_batch_says_where_to_go_on`), and what was handed out before can be committed
//!   (test: `integration/tests/faults/fetching.rs`:
//!   `what_was_handed_out_before_a_corrupt_batch_is_committed`).
//! - With [`manual_ack`], seeking behind it leaves what is in work as it is: nothing is committed before that is
//!   acknowledged (test: `integration/tests/faults/acks.rs`:
//!   `what_is_in_work_stays_so_when_the_user_seeks_forward`).
//! - A record that is not of the type of a typed consumer is an error that has the record, which can be
//!   [forwarded](crate::record::ConsumerRecord::forward_to) to a topic of dead letters, and the next call goes on
//!   behind it (test: `integration/tests/faults/acks.rs`:
//!   `a_record_that_cannot_be_decoded_is_in_its_error`).
//! - A handler of [`for_each_concurrent`] that fails or panics ends the call with its record, which the next call
//!   hands out again (test: `integration/tests/faults/acks.rs`:
//!   `a_handler_that_fails_or_panics_gets_its_record_again`).
//!
//! # When the group refuses
//!
//! - What passes is retried, with growing waits, for ever: it is told after ten seconds
//!   (test: `integration/tests/faults/members.rs`:
//!   `a_refusal_that_comes_for_ever_is_no_hot_loop_and_is_told`).
//! - What does not pass ends the consumer: the error [is fatal](crate::Error::is_fatal), says what helps, and
//!   ends a stream (test: `integration/tests/faults/members.rs`:
//!   `what_ends_a_member_ends_its_stream_and_says_what_helps`).
//! - A topic that may not be read is told once, and is read when the right is given
//!   (test: `integration/tests/faults/members.rs`:
//!   `a_subscribed_topic_that_may_not_be_read_is_told_once`).
//!
//! # The end
//!
//! - [`close`] counts all that was handed out as processed, stores it if commits are automatic, and leaves
//!   (test: `integration/tests/behaviour/commits.rs`: `closing_commits_what_was_handed_out`); with
//!   [`manual_ack`] it waits for what is in hand first, and handlers of [`for_each_concurrent`] drain
//!   (test: `integration/tests/faults/acks.rs`:
//!   `handlers_keep_the_order_of_each_key_and_drain_at_shutdown`).
//! - Streams of [`partition_streams`] end with it, and it waits for the records at hand
//!   (test: `integration/tests/faults/streams.rs`:
//!   `closing_ends_the_streams_and_stores_what_they_are_done_with`).
//! - In the middle of a rebalance the coordinator takes no offsets: closing waits until it does
//!   (test: `integration/tests/faults/commits.rs`:
//!   `a_member_closed_in_a_rebalance_waits_until_its_offsets_are_taken`), and a leader assigns first
//!   (test: `integration/tests/faults/commits.rs`:
//!   `a_leader_closed_in_a_rebalance_assigns_before_it_leaves`).
//! - It ends within its limit, and names the offsets that it could not store
//!   (test: `integration/tests/faults/commits.rs`:
//!   `commits_and_close_end_at_their_limits_although_the_coordinator_is_silent`).
//! - Workers that are killed lose nothing: what they had in work comes again
//!   (test: `integration/tests/faults/acks.rs`: `workers_that_are_killed_lose_nothing`).
//!
//! [`recv`]: crate::consumer::Consumer::recv
//! [`poll`]: crate::consumer::Consumer::poll
//! [`recv_batch`]: crate::consumer::Consumer::recv_batch
//! [`commit`]: crate::consumer::Consumer::commit
//! [`commit_async`]: crate::consumer::Consumer::commit_async
//! [`close`]: crate::consumer::Consumer::close
//! [`subscribe_matching`]: crate::consumer::ConsumerBuilder::subscribe_matching
//! [`rack`]: crate::consumer::ConsumerBuilder::rack
//! [assignor of your own]: crate::consumer::AssignPartitions
//! [`seek`]: crate::consumer::ConsumerHandle::seek
//! [`manual_ack`]: crate::consumer::ConsumerBuilder::manual_ack
//! [`partition_streams`]: crate::consumer::ConsumerBuilder::partition_streams
//! [`OffsetReset::Nearest`]: crate::consumer::OffsetReset::Nearest
//! [`for_each_concurrent`]: crate::consumer::AckConsumer::for_each_concurrent
//! [`RebalanceEvent::Revoking`]: crate::consumer::RebalanceEvent::Revoking
//! [`ErrorKind::GroupLost`]: crate::ErrorKind::GroupLost
//! [`Kafka::health`]: crate::Kafka::health
