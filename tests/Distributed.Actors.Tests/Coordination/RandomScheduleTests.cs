using Distributed.Actors.Coordination;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Coordination;

/// <summary>
/// The rules against a network and workers that do everything a real one may: messages lost, late, doubled and out of order; workers that fail, decline,
/// lie, die and come back; time that jumps. After every message the books balance and nothing has been trained twice; once the disturbance ends, so does the run.
/// </summary>
public sealed class RandomScheduleTests
{
    private const int Schedules = 120;
    private const int DisturbedMoves = 1_500;
    private const int MostMoves = 60_000;

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 3)]
    [InlineData(2, 0)]
    [InlineData(3, 2)]
    public void Whatever_happens_the_books_balance_and_the_run_ends(int staleness, int questions)
    {
        for (var seed = 0; seed < Schedules; seed++)
        {
            var schedule = new Schedule(seed, staleness, questions);
            try
            {
                schedule.Run();
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, staleness {staleness}, questions {questions}, move {schedule.Moves}: {error.Message}\n{error.StackTrace}");
            }
        }
    }

    private sealed class Schedule(int seed, int staleness, int questions)
    {
        private readonly Random _random = new(seed);
        private readonly List<object> _toCoordinator = [];
        private readonly List<(NodeId To, object Message)> _toWorkers = [];
        private readonly Dictionary<(NodeId, WorkerRole), Incarnation> _workers = [];
        private readonly HashSet<Slot> _trained = [];
        private readonly List<long> _evaluated = [];
        private readonly CoordinatorOptions _options = Samples.Options with
        {
            Steps = 6, MaxStalenessSteps = staleness, EvaluationQuestions = questions, EvaluationEverySteps = 2, MaxAttempts = 4, StallTimeoutMs = int.MaxValue,
        };
        private CoordinatorRules _rules = null!;
        private TrainBatch? _training;
        private long _now;
        private bool _finished;

        public int Moves { get; private set; }

        private bool Disturbed => Moves < DisturbedMoves;

        public void Run()
        {
            _rules = new CoordinatorRules(_options, Samples.Epoch, new PolicyVersion(0), new Ledger());
            Take(_rules.Start(0));
            while (!_finished)
            {
                if (++Moves > MostMoves) throw new InvalidOperationException($"no end: {_rules.DescribeWaits()}");
                Move();
                _rules.Ledger.CheckConservation();
                (_rules.Ledger.NextGroup <= Admission.PlannedGroupsMax(_options, _rules.Version)).ShouldBeTrue("more groups planned than admitted");
            }

            _rules.Version.Value.ShouldBe(_options.Steps);
            _rules.Ledger.Open.ShouldBe(0);
            var totals = _rules.Ledger.Totals;
            totals.Planned.ShouldBe(_options.Steps * _options.PromptsPerStep * _options.GroupSize);
            (totals.Trained + totals.Dropped.Values.Sum()).ShouldBe(totals.Planned);
            totals.Trained.ShouldBe(_trained.Count);
            _evaluated.ShouldBe(questions == 0 ? [] : [0L, 2, 4, 6]);
        }

        private void Move()
        {
            switch (_random.Next(12))
            {
                case 0:
                    _now += _random.Next(Disturbed ? 700 : 50);
                    Take(_rules.Tick(_now));
                    break;
                case 1: OfferAll(); break;
                case 2 when _training != null: CompleteStep(); break;
                case 3 when Disturbed && _random.Next(6) == 0: Lose(); break;
                case 4 or 5 or 6 when _toWorkers.Count > 0: Work(Draw(_toWorkers)); break;
                default: if (_toCoordinator.Count > 0) Deliver(Draw(_toCoordinator)); break;
            }
        }

        // A message arrives, in any order; while disturbed it may be lost, or arrive and stay on its way.
        private T Draw<T>(List<T> messages)
        {
            var at = _random.Next(messages.Count);
            var message = messages[at];
            if (!Disturbed || _random.Next(8) != 0) messages.RemoveAt(at);
            return message;
        }

        private bool Lost => Disturbed && _random.Next(10) == 0;

        private void Deliver(object message)
        {
            if (Lost) return;
            Take(message switch
            {
                WorkerReady ready => _rules.Handle(ready, _now),
                RolloutCompleted completed => _rules.Handle(completed, _now),
                ScoreCompleted completed => _rules.Handle(completed, _now),
                LeaseFailed failed => _rules.Handle(failed, _now),
                _ => throw new InvalidOperationException(message.GetType().Name),
            });
        }

        private void OfferAll()
        {
            foreach (var (node, role) in new[] { ("r0", WorkerRole.Rollout), ("r1", WorkerRole.Rollout), ("s0", WorkerRole.Scorer) })
            {
                var key = (new NodeId(node), role);
                var incarnation = _workers.GetValueOrDefault(key, new Incarnation(1));
                if (Disturbed && _random.Next(10) == 0) incarnation = new Incarnation(incarnation.Value + 1);
                _workers[key] = incarnation;
                var lag = Disturbed ? _random.Next(3) : 0;
                _toCoordinator.Add(new WorkerReady(key.Item1, role, incarnation, 1 + _random.Next(4), Samples.Epoch, new PolicyVersion(Math.Max(0, _rules.Version.Value - lag))));
            }
        }

        private void Lose() => Take(_rules.NodeLost(new NodeId(_random.Next(3) switch { 0 => "r0", 1 => "r1", _ => "s0" }), _now));

        private void Work((NodeId To, object Message) delivery)
        {
            if (Lost) return;
            var (node, epoch) = (delivery.To, Samples.Epoch);
            var (lease, slot) = delivery.Message switch
            {
                RolloutLeaseGranted granted => (granted.Lease, granted.Job.Slot),
                Effect.GrantScore granted => (granted.Lease, granted.Trajectory.Slot),
                _ => (default, default),
            };
            if (delivery.Message is LeaseSettled) return;
            var fate = Disturbed ? _random.Next(12) : 12;
            if (fate == 0) _toCoordinator.Add(new LeaseFailed(lease, epoch, node, "declined", Declined: true));
            else if (fate == 1) _toCoordinator.Add(new LeaseFailed(lease, epoch, node, "failed", Declined: false));
            else if (fate == 2) _toCoordinator.Add(new RolloutCompleted(new LeaseId(lease.Value + 1), epoch, node, Samples.Trajectory(new Slot(slot.Group + 1, slot.Sample)))); // a liar
            else if (delivery.Message is RolloutLeaseGranted rollout) _toCoordinator.Add(new RolloutCompleted(lease, epoch, node, Play(rollout)));
            else if (delivery.Message is Effect.GrantScore score) _toCoordinator.Add(new ScoreCompleted(lease, epoch, node, slot, Samples.Scores(score.Trajectory.Turns.Length + (fate == 3 ? 1 : 0))));
        }

        // Sampled by the version that stands now; an evaluation by the one it is of.
        private Trajectory Play(RolloutLeaseGranted granted)
        {
            var slot = granted.Job.Slot;
            return Samples.Trajectory(slot, granted.Job.HeldOut ? -1 - slot.Group : _rules.Version.Value, turns: 1 + _random.Next(3));
        }

        private void CompleteStep()
        {
            var unused = new Dictionary<Slot, string>();
            foreach (var rollout in _training!.Groups.SelectMany(group => group.Rollouts))
            {
                if (_random.Next(10) == 0) unused.Add(rollout.Trajectory.Slot, "filtered");
                else _trained.Add(rollout.Trajectory.Slot).ShouldBeTrue($"slot {rollout.Trajectory.Slot} is trained twice");
            }

            var version = new PolicyVersion(_training.Version.Value + 1);
            _training = null;
            Take(_rules.Handle(new StepCompleted(version, unused), _now));
        }

        private void Take(IReadOnlyList<Effect> effects)
        {
            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case Effect.Send send: _toWorkers.Add((send.To, send.Message)); break;
                    case Effect.GrantScore grant: _toWorkers.Add((grant.To, grant)); break;
                    case Effect.Train train:
                        _training.ShouldBeNull("a batch while another is trained");
                        _training = train.Batch;
                        _training.Groups.Count.ShouldBe(_options.PromptsPerStep);
                        foreach (var rollout in _training.Groups.SelectMany(group => group.Rollouts))
                            (_training.Version.Value - rollout.Trajectory.OldestVersion.Value).ShouldBeInRange(0, staleness);
                        break;
                    case Effect.Evaluated evaluated:
                        _training.ShouldBeNull("an evaluation while a batch is trained");
                        evaluated.Version.ShouldBe(_rules.Version);
                        evaluated.Trajectories.ShouldAllBe(trajectory => trajectory.OldestVersion == evaluated.Version);
                        _evaluated.Add(evaluated.Version.Value);
                        break;
                    case Effect.Finished: _finished = true; break;
                    case Effect.Failed failed: throw new InvalidOperationException(failed.Reason);
                    default: break;
                }
            }
        }
    }
}
