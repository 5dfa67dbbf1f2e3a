using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>Who gets what next. No worker gets more than it offers to hold, a slow one less.</summary>
/// <remarks>
/// A job that was tried in vain <see cref="CoordinatorOptions.SuspectAfter"/> times may be what brings its workers down. It is done alone: by a worker that
/// holds nothing else and gets nothing else meanwhile, so that what it costs is counted against it and not against its neighbours. If no
/// worker is idle, one at a time is set aside until it is.
/// </remarks>
internal sealed class LeaseGranting(CoordinatorOptions options, LearnerEpoch epoch, Ledger ledger, LeaseBook leases, Backlog backlog)
{
    /// <summary>Every grant that can be made now.</summary>
    public IReadOnlyList<Effect> Grant(PolicyVersion standing, EvaluationRound? evaluation, long nowMs)
    {
        var effects = new List<Effect>();
        var setAside = new HashSet<WorkerRole>();
        var (rollouts, scores) = (backlog.RolloutCount + (evaluation?.WaitingCount ?? 0) > 0, backlog.ScoreCount > 0);
        if (!rollouts && !scores) return effects;
        foreach (var worker in leases.Workers.Values)
        {
            var role = worker.Offer.Role;
            if (worker.Offer.Epoch != epoch || worker.IsAlone || !(role == WorkerRole.Rollout ? rollouts : scores)) continue;
            if (HasSuspect(worker, standing, evaluation))
            {
                if (worker.Leases.Count == 0 && leases.Free(worker) > 0)
                {
                    worker.Alone = GrantNext(worker, standing, evaluation, suspect: true, nowMs, effects);
                    continue;
                }

                if (setAside.Add(role)) continue;
            }

            while (leases.Free(worker) > 0 && GrantNext(worker, standing, evaluation, suspect: false, nowMs, effects) != null)
            {
            }
        }

        return effects;
    }

    private bool HasSuspect(Worker worker, PolicyVersion standing, EvaluationRound? evaluation) =>
        backlog.HasSuspect(worker.Offer.Role, worker.Offer.Version, standing)
        || (worker.Offer.Role == WorkerRole.Rollout && worker.Offer.Version == standing && evaluation?.HasSuspect(options.SuspectAfter) == true);

    private LeaseId? GrantNext(Worker worker, PolicyVersion standing, EvaluationRound? evaluation, bool suspect, long nowMs, List<Effect> effects)
    {
        var version = worker.Offer.Version;
        if (worker.Offer.Role == WorkerRole.Scorer)
        {
            if (backlog.TakeScore(version, suspect) is not { } scored) return null;
            var lease = leases.Grant(LeaseKind.Score, scored.Slot, worker, nowMs, options.LeaseTimeoutMs);
            effects.Add(new Effect.GrantScore(worker.Offer.Worker, lease.Id, scored.Trajectory!, scored.FailedAttempts));
            return lease.Id;
        }

        if (version == standing && evaluation?.Next(options.SuspectAfter, suspect) is { } question)
            return GrantRollout(worker, LeaseKind.Evaluation, question, evaluation.Attempt(question), nowMs, effects);
        if (backlog.TakeRollout(version, standing, suspect) is not { } slot) return null;
        ledger.Lease(slot);
        return GrantRollout(worker, LeaseKind.Rollout, slot.Slot, slot.FailedAttempts, nowMs, effects);
    }

    private LeaseId GrantRollout(Worker worker, LeaseKind kind, Slot slot, int attempt, long nowMs, List<Effect> effects)
    {
        var lease = leases.Grant(kind, slot, worker, nowMs, options.LeaseTimeoutMs);
        var evaluation = kind == LeaseKind.Evaluation;
        var job = new RolloutJob(
            slot,
            HeldOut: evaluation,
            ProblemIndex: evaluation ? slot.Sample : Admission.ProblemIndex(options, slot.Group),
            Seed: Seeds.Derive(options.Seed, evaluation ? "evaluation" : "rollout", slot.Group, slot.Sample),
            Greedy: evaluation);
        effects.Add(new Effect.Send(worker.Offer.Worker, new RolloutLeaseGranted(epoch, lease.Id, job, attempt, options.LeaseTimeoutMs)));
        return lease.Id;
    }
}
