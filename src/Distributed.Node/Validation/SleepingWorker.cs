using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Fabric;
using Distributed.Fabric.Http;
using Distributed.Fabric.Http.Weights;
using Distributed.Fabric.Local;
using Distributed.Node.Cluster;
using Distributed.Ports;
using Distributed.Protocol;
using Distributed.Simulation.Host;
using Distributed.Simulation.Scaling;
using Distributed.Simulation.World;

namespace Distributed.Node.Validation;

/// <summary>A rollout or scorer node in a process of its own: the real actors and the real network, engines and tools that sleep.</summary>
internal static class SleepingWorker
{
    private const int ScoresAtOnce = 16;

    /// <summary>Works until the learner says that the run is over, or it is asked to end.</summary>
    public static async Task RunAsync(NodeId name, bool scores, Uri join, ScalingCase experiment, HttpSecurity security, CancellationToken cancel)
    {
        using var timeline = new WallTimeline();
        using var engine = new SleepingEngine(new CostEngine(timeline, experiment.Costs), timeline);
        var world = new CostWorld(experiment.Costs);
        var stream = new RandomStreams(experiment.Seed).Of("tools", name.Value);
        using var tools = new SleepingTools(
            new SimulatedEpisodeHost(timeline, stream, experiment.Costs.ToolSeconds, world.Format.ToolTimeoutReply, new ToolFaults()) { Sigma = experiment.Costs.ToolSigma }, timeline);
        using var serving = HttpWeights.Create(security, null, [(LocalCluster.LearnerId, join)]);
        await using var endpoint = await HttpEndpoint.StartAsync(new Uri("http://127.0.0.1:0"), security, new FabricCounters(), TimeProvider.System, routes => routes.MapWeights(serving)).ConfigureAwait(false);
        var address = endpoint.Address.ToString().TrimEnd('/');
        await using var member = new HttpMember(new MemberIdentity(name, LocalCluster.LearnerId, join) { Address = address }, security, new HttpFabricOptions(), Console.Error.WriteLine);
        var incarnations = new IncarnationSource(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        var weights = new WeightReceiverSettings
        {
            Fabric = member,
            Learner = LocalCluster.LearnerId,
            Engine = engine,
            Transport = new AddressedWeights(serving, address),
            Notice = Console.Error.WriteLine,
        };
        var scorer = new ScorerSettings { Fabric = member, Learner = LocalCluster.LearnerId, Engine = engine, Capacity = ScoresAtOnce, Incarnations = incarnations };
        var rollout = new RolloutSettings
        {
            Fabric = member,
            Learner = LocalCluster.LearnerId,
            Engine = engine,
            Tokenizer = world,
            Environment = world,
            Episodes = tools,
            Sampling = new SamplingOptions(),
            Capacity = experiment.Costs.EpisodesPerNode,
            Incarnations = incarnations,
        };
        using var system = NodeSystem.Start(member, new NodeRoles(
            scores ? null : Props.Create(() => new RolloutWorkerActor(rollout)),
            scores ? Props.Create(() => new ScorerActor(scorer)) : null,
            Props.Create(() => new WeightReceiverActor(weights)),
            null), Console.Error.WriteLine);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = cancel.Register(() => asked.TrySetResult());
        await Task.WhenAny(member.Ended, asked.Task).ConfigureAwait(false);
    }
}
