// LearnerSideDowning: takes members that do not answer out of the cluster, by DowningRule.
// Owns: how long the picture of who answers has stood still, counted in ticks.
// Promises: nobody is taken out before the picture has stood still for stable-after, or has not been whole for at-latest; a side without a learner ends; a worker that
// the learner's side has given up ends at once.
// May lose: nothing. It looks at the whole picture at every tick.
// Restarted by: the cluster's own supervisor; it then begins to count anew.
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>Names the actor that decides about members that do not answer; akka.cluster.downing-provider-class in cluster-config/cluster.conf.</summary>
public sealed class LearnerSideDowningProvider(ActorSystem system, Cluster cluster) : IDowningProvider
{
    /// <summary>The next learner need not wait for the former one's side: the run folder's lock keeps the two apart.</summary>
    public TimeSpan DownRemovalMargin => TimeSpan.Zero;

    /// <inheritdoc/>
    public Props DowningActorProps
    {
        get
        {
            var (settings, of) = (system.Settings.Config.GetConfig("akka.cluster.learner-side-downing"), cluster);
            var (stableAfter, atLatest) = (settings.GetTimeSpan("stable-after"), settings.GetTimeSpan("at-latest"));
            return Props.Create(() => new LearnerSideDowningActor(of, stableAfter, atLatest));
        }
    }
}

/// <summary>Watches one member's picture of the cluster and acts on it.</summary>
internal sealed class LearnerSideDowningActor(Cluster cluster, TimeSpan stableAfter, TimeSpan atLatest) : UntypedActor, IWithTimers
{
    private const int TicksUntilStable = 6;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly int _mostTicks = (int)Math.Max(TicksUntilStable, TicksUntilStable * atLatest / stableAfter);
    private ImmutableHashSet<UniqueAddress> _picture = [];
    private int _still;
    private int _broken;

    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, stableAfter / TicksUntilStable);
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick: OnTick(); break;
            case ThisActorSystemQuarantinedEvent quarantined: OnQuarantined(quarantined.RemoteAddress); break;
            default: Unhandled(message); break;
        }
    }

    private void OnTick()
    {
        var state = cluster.State;
        var unreachable = state.Unreachable.Where(member => member.Status is not (MemberStatus.Down or MemberStatus.Removed)).ToArray();
        var learners = state.Members.Where(member => IsLearner(member) && !state.Unreachable.Contains(member)).ToArray();
        // Who comes does not matter, only who does not answer and which learners are here.
        var picture = unreachable.Concat(learners).Select(member => member.UniqueAddress).ToImmutableHashSet();
        _still = picture.SetEquals(_picture) ? _still + 1 : 0;
        _picture = picture;
        _broken = unreachable.Length == 0 ? 0 : _broken + 1;
        if (_still < TicksUntilStable && _broken < _mostTicks) return;
        _still = 0;

        var oldest = learners.Length == 0 ? null : learners.Aggregate((oldest, next) => next.IsOlderThan(oldest) ? next : oldest);
        switch (DowningRule.Decide(unreachable.Length, learners.Length, oldest?.UniqueAddress.Equals(cluster.SelfUniqueAddress) == true))
        {
            case Downing.Unreachable:
                _log.Warning("taken out of the cluster, having answered nobody for too long: {0}", string.Join(", ", unreachable.Select(member => member.Address)));
                foreach (var member in unreachable) cluster.Down(member.Address);
                break;
            case Downing.Self:
                _log.Warning("no process that can be the learner answers; this node leaves what is left of the cluster");
                cluster.Down(cluster.SelfAddress);
                break;
        }
    }

    // The other side no longer takes anything from this one. If it is the learner's, a worker has nothing to wait for; one that can be the learner stays, as by the rule.
    private void OnQuarantined(Address by)
    {
        if (cluster.SelfRoles.Contains(ClusterNode.LearnerRole) || !cluster.State.Members.Any(member => member.Address.Equals(by) && IsLearner(member))) return;
        _log.Warning("the learner's side has taken this node out of the cluster");
        cluster.Down(cluster.SelfAddress);
    }

    private static bool IsLearner(Member member) =>
        member.HasRole(ClusterNode.LearnerRole) && member.Status is MemberStatus.Up or MemberStatus.Leaving or MemberStatus.Exiting;
}
