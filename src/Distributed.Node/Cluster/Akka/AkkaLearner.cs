using Distributed.Fabric.AkkaCluster;
using Distributed.Fabric.Http;
using Distributed.Node.Composition;

namespace Distributed.Node.Cluster.Akka;

/// <summary>A process that can be the learner of an Akka.Cluster: it stands by until it is its turn, and only then opens the run.</summary>
internal static class AkkaLearner
{
    /// <summary>Where members' addresses are asked for.</summary>
    public const string SeedsPath = "/cluster/seeds";

    /// <summary>Where a learner's process says which one it is.</summary>
    public const string InstancePath = "/cluster/instance";

    /// <summary>Runs until the run is over, another process is the learner, or it is asked to end.</summary>
    public static async Task<int> RunAsync(LearnerInputs inputs, AkkaInputs akka, Func<TrainingSession> begin, Action<string> notice, CancellationToken cancel)
    {
        var counters = new FabricCounters();
        var node = ClusterNode.Start(AkkaNode.Options(inputs.Name, "learner", akka, inputs.Security, notice));
        var inOrder = false;
        try
        {
            var chosen = new TaskCompletionSource<LearnerSeat>(TaskCreationOptions.RunContinuationsAsynchronously);
            node.StandForLearner(seat => chosen.TrySetResult(seat));
            notice($"{inputs.Name} is at {node.Address} and stands for learner");
            var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var registration = cancel.Register(() => asked.TrySetResult());
            await using (await AkkaNode.Listen(inputs.Listen, inputs.Security, counters, routes => MapStandBy(routes, node)).ConfigureAwait(false))
                await Task.WhenAny(chosen.Task, asked.Task, node.System.WhenTerminated).ConfigureAwait(false);
            if (!chosen.Task.IsCompleted)
            {
                inOrder = true;
                return asked.Task.IsCompleted ? 0 : throw Cut();
            }

            var seat = await chosen.Task.ConfigureAwait(false);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel, seat.HandOver);
            try
            {
                var code = begin().Run((recipe, say) => RunParts.Create(recipe, 0, 0, say), run => AkkaRunCluster.Start(run, node, seat, inputs, akka.Host, counters), end.Token);
                inOrder = true;
                return code;
            }
            finally
            {
                seat.Release();
            }
        }
        finally
        {
            // A learner that fails says nothing: workers take an orderly leave for the end of the run, and are to wait for the next learner instead.
            await (inOrder ? node.LeaveAsync() : node.AbandonAsync()).ConfigureAwait(false);
            node.System.Dispose();
        }
    }

    /// <summary>This node is no longer of the cluster.</summary>
    public static RefusedException Cut() => new("this node was cut off from the cluster and taken out of it; start it again to join anew");

    private static void MapStandBy(Microsoft.AspNetCore.Routing.IEndpointRouteBuilder routes, ClusterNode node)
    {
        routes.MapHealth(() => node.IsUp ? null : "not a member of the cluster yet");
        AkkaNode.MapSeeds(routes, node);
    }
}
