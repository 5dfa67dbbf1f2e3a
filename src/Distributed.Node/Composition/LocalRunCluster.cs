using Distributed.Actors.Weights;
using Distributed.Fabric.Local;
using Distributed.Protocol;

namespace Distributed.Node.Composition;

/// <summary>Every node of a run in this process.</summary>
internal sealed class LocalRunCluster : IRunCluster
{
    private readonly LocalCluster _cluster;

    private LocalRunCluster(LocalCluster cluster) => _cluster = cluster;

    /// <summary>Starts the nodes.</summary>
    public static LocalRunCluster Start(RunContext run)
    {
        var network = new LocalNetwork();
        var transport = new LocalWeightTransport();
        var roles = new RoleSettings(run.Inputs.Recipe, run.Parts.Model.Tokenizer, run.Parts.Environment, LocalCluster.LearnerId, run.Recorder.OnNotice)
        {
            Spread = WeightSpreadOptions.InProcess,
        };
        var rollouts = run.Parts.Rollouts.Select((engine, index) =>
        {
            var fabric = network.Join(new NodeId($"rollout-{index + 1}"));
            return (roles.Rollout(fabric, engine, run.Parts.Episodes), roles.Receiver(fabric, engine, transport));
        }).ToArray();
        var scorers = run.Parts.Scorers.Select((engine, index) =>
        {
            var fabric = network.Join(new NodeId($"scorer-{index + 1}"));
            return (roles.Scorer(fabric, engine), roles.Receiver(fabric, engine, transport));
        }).ToArray();
        return new LocalRunCluster(LocalCluster.Start(roles.Learner(run, network.Join(LocalCluster.LearnerId), transport), rollouts, scorers));
    }

    /// <inheritdoc/>
    public void RequestStop() => _cluster.RequestStop();

    /// <inheritdoc/>
    public void SayOver()
    {
        // They end with this process.
    }

    /// <inheritdoc/>
    public void Dispose() => _cluster.Dispose();
}
