using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>Who gets what next. No worker gets more than it offers to hold, a slow one less; the newest weights go first and work is spread evenly (<see cref="FreeWorkers"/>).</summary>
/// <remarks>
/// A job that was tried in vain <see cref="CoordinatorOptions.SuspectAfter"/> times may be what brings its workers down. It is done alone: by a worker that
/// holds nothing else and gets nothing else meanwhile, so that what it costs is counted against it and not against its neighbours. If no
/// worker is idle, one at a time is set aside until it is.
/// </remarks>
internal sealed class LeaseGranting(CoordinatorOptions options, LearnerEpoch epoch, Ledger ledger, LeaseBook leases, Backlog backlog)
{
    private static readonly WorkerRole[] Roles = [WorkerRole.Rollout, WorkerRole.Scorer];
    private readonly Dictionary<WorkerRole, (NodeId Node, WorkerRole Role)> _aside = [];

    /// <summary>Every grant that can be made now.</summary>
    public IReadOnlyList<Effect> Grant(PolicyVersion standing, EvaluationRound? evaluation, long nowMs)
    {
        var effects = new List<Effect>();
        foreach (var role in Roles)
        {
            GrantSuspects(role, standing, evaluation, nowMs, effects);
            foreach (var rank in Ranks(role, evaluation))
            {
                while (leases.FreeWorkers.First(role, rank) is { } worker && GrantNext(worker, standing, evaluation, suspect: false, nowMs, effects))
                {
                }
            }
        }

        return effects;
    }

    // Nobody is looked for while nothing waits: that is most of the time.
    private IReadOnlyList<FreeWorkers.Rank> Ranks(WorkerRole role, EvaluationRound? evaluation)
    {
        var waiting = role == WorkerRole.Rollout ? backlog.RolloutCount + (evaluation?.WaitingCount ?? 0) : backlog.ScoreCount;
        return waiting == 0 ? [] : [.. leases.FreeWorkers.RanksOf(role).Where(rank => rank.Epoch == epoch)];
    }

    private void GrantSuspects(WorkerRole role, PolicyVersion standing, EvaluationRound? evaluation, long nowMs, List<Effect> effects)
    {
        var aside = Aside(role);
        if (aside != null && (aside.Leases.Count == 0 || aside.Offer.Epoch != epoch || !HasSuspect(role, aside.Offer.Version, standing, evaluation))) aside = Release(role, aside);
        if (!backlog.HasSuspects(role) && evaluation?.HasSuspects != true) return;
        foreach (var rank in Ranks(role, evaluation))
        {
            while (leases.FreeWorkers.First(role, rank) is { Leases.Count: 0 } idle && HasSuspect(role, rank.Version, standing, evaluation))
                GrantNext(idle, standing, evaluation, suspect: true, nowMs, effects);
            if (aside != null || leases.FreeWorkers.First(role, rank) is not { } busy || !HasSuspect(role, rank.Version, standing, evaluation)) continue;
            (aside, _aside[role]) = (busy, (busy.Offer.Worker, role));
            leases.SetAside(busy, true);
        }

        if (aside != null && !HasSuspect(role, aside.Offer.Version, standing, evaluation)) Release(role, aside); // an idle one has taken it
    }

    private Worker? Release(WorkerRole role, Worker aside)
    {
        _aside.Remove(role);
        leases.SetAside(aside, false);
        return null;
    }

    private Worker? Aside(WorkerRole role)
    {
        if (!_aside.TryGetValue(role, out var key)) return null;
        if (leases.Workers.TryGetValue(key, out var worker) && worker.IsSetAside) return worker;
        _aside.Remove(role);
        return null;
    }

    private bool HasSuspect(WorkerRole role, PolicyVersion worker, PolicyVersion standing, EvaluationRound? evaluation) =>
        backlog.HasSuspect(role, worker, standing) || (role == WorkerRole.Rollout && worker == standing && evaluation?.HasSuspects == true);

    private bool GrantNext(Worker worker, PolicyVersion standing, EvaluationRound? evaluation, bool suspect, long nowMs, List<Effect> effects)
    {
        var version = worker.Offer.Version;
        if (worker.Offer.Role == WorkerRole.Scorer)
        {
            if (backlog.TakeScore(version, suspect) is not { } scored) return false;
            var lease = leases.Grant(LeaseKind.Score, scored.Slot, worker, nowMs, options.LeaseTimeoutMs, suspect);
            effects.Add(new Effect.GrantScore(worker.Offer.Worker, lease.Id, scored.Trajectory!, scored.FailedAttempts));
            return true;
        }

        if (version == standing && evaluation?.Next(suspect) is { } question)
        {
            GrantRollout(worker, LeaseKind.Evaluation, question, evaluation.Attempt(question), suspect, nowMs, effects);
            return true;
        }

        if (backlog.TakeRollout(version, standing, suspect) is not { } slot) return false;
        ledger.Lease(slot);
        GrantRollout(worker, LeaseKind.Rollout, slot.Slot, slot.FailedAttempts, suspect, nowMs, effects);
        return true;
    }

    private void GrantRollout(Worker worker, LeaseKind kind, Slot slot, int attempt, bool alone, long nowMs, List<Effect> effects)
    {
        var lease = leases.Grant(kind, slot, worker, nowMs, options.LeaseTimeoutMs, alone);
        var evaluation = kind == LeaseKind.Evaluation;
        var job = new RolloutJob(
            slot,
            HeldOut: evaluation,
            ProblemIndex: evaluation ? slot.Sample : Admission.ProblemIndex(options, slot.Group),
            Seed: Seeds.Derive(options.Seed, evaluation ? "evaluation" : "rollout", slot.Group, slot.Sample),
            Greedy: evaluation);
        effects.Add(new Effect.Send(worker.Offer.Worker, new RolloutLeaseGranted(epoch, lease.Id, job, attempt, options.LeaseTimeoutMs)));
    }
}
