using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Ports;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Fabric.AkkaCluster;
using Distributed.Fabric.Http;
using Distributed.Fabric.Http.Weights;
using Distributed.Node.Composition;
using Distributed.Node.Recipes;

namespace Distributed.Node.Cluster.Akka;

/// <summary>A rollout or scorer node of an Akka.Cluster. A node that lost its cluster, or whose learner was started anew elsewhere, joins again with what it has.</summary>
internal static class AkkaWorker
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(5);

    /// <summary>Runs until the run is over or it is asked to leave.</summary>
    /// <returns>Why it ended.</returns>
    public static async Task<string> RunAsync(WorkerInputs inputs, AkkaInputs akka, Action<string> notice, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("distributed-node-");
        try
        {
            var setup = await new SetupClient(inputs.Join, inputs.Security, notice).FetchAsync(folder.FullName, inputs.Options.GiveUpAfter, cancel).ConfigureAwait(false);
            var recipe = RecipeFile.ParseTraining(setup.Recipe, $"{inputs.Join}recipe.yaml", []);
            var model = ModelSource.Received(recipe, folder.FullName, [.. setup.Files.Select(file => file.Name)]);
            using var engine = model.NewEngine(inputs.EngineOf(recipe), inputs.ThreadsOf(recipe), notice);
            var (environment, episodes) = RunParts.World(recipe.Environment, recipe.Rollout);
            using var world = environment as IDisposable;
            using var host = episodes;

            using var serving = HttpWeights.Create(inputs.Security, null, []);
            AppliedWeights? applied = null;
            await using var endpoint = inputs.Listen is null ? null : await AkkaNode.Listen(inputs.Listen, inputs.Security, new FabricCounters(),
                routes => routes.MapWeights(serving).MapHealth(() => applied?.Newest == null ? "no weights yet" : null)).ConfigureAwait(false);
            var address = endpoint is null ? null : NodeAddress.Reachable(endpoint.Address, akka.Host).ToString().TrimEnd('/');
            var weights = new AddressedWeights(serving, address);
            var roles = new RoleSettings(recipe, model.Tokenizer, environment, ClusterNode.LearnerId, notice)
            {
                FirstIncarnation = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
            };
            // Settings outlive a membership: what the engine has, and which life of the role it is.
            var nowhere = new NoFabric(inputs.Name);
            var (rollout, scorer, receiver) = (roles.Rollout(nowhere, engine, episodes), roles.Scorer(nowhere, engine), roles.Receiver(nowhere, engine, weights));
            applied = receiver.Applied;
            // Always at the same port: the cluster then knows at once that the former life is over, and need not wait until it is taken out.
            var (port, rejoins) = (akka.Port, false);
            while (true)
            {
                var seeds = akka.Seeds.Count > 0 ? akka.Seeds : await Seeds(inputs, cancel).ConfigureAwait(false);
                if (rejoins && await RunOf(inputs, cancel).ConfigureAwait(false) is { } run && run != setup.Run)
                    throw new RefusedException($"{inputs.Join}: the learner now does another run than this node was set up for; start the node again");
                var node = ClusterNode.Start(AkkaNode.Options(inputs.Name, inputs.Rollout ? "rollout" : "scorer", akka with { Seeds = seeds, Port = port }, inputs.Security, notice) with { Grace = inputs.Grace });
                if (akka.PublicPort is null) port = node.Port;
                var fabric = node.Fabric;
                var (rolloutHere, scorerHere, receiverHere) = (rollout with { Fabric = fabric }, scorer with { Fabric = fabric }, receiver with { Fabric = fabric });
                node.RunWorker(new NodeRoles(
                    inputs.Rollout ? Props.Create(() => new RolloutWorkerActor(rolloutHere)) : null,
                    inputs.Scorer ? Props.Create(() => new ScorerActor(scorerHere)) : null,
                    Props.Create(() => new WeightReceiverActor(receiverHere)),
                    null));
                notice($"{inputs.Name} at {node.Address} joins {string.Join(", ", seeds)}");
                if (await Stay(node, inputs, notice, cancel).ConfigureAwait(false) is { } reason) return reason;
                notice($"{inputs.Name} has lost its cluster or its learner; joining again");
                rejoins = true;
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Null: join again.
    private static async Task<string?> Stay(ClusterNode node, WorkerInputs inputs, Action<string> notice, CancellationToken cancel)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = cancel.Register(() => asked.TrySetResult());
        var wasReachable = false;
        while (true)
        {
            await Task.WhenAny(asked.Task, node.Fabric.LearnersGone, node.System.WhenTerminated, Task.Delay(LookAgain, CancellationToken.None)).ConfigureAwait(false);
            if (asked.Task.IsCompleted)
            {
                notice($"leaving: no more leases; {inputs.Grace.TotalSeconds:0} s for those under way");
                await node.LeaveAsync().ConfigureAwait(false);
                return "left as asked";
            }

            wasReachable |= node.Fabric.IsLearnerReachable;
            var isGone = node.System.WhenTerminated.IsCompleted || node.Fabric.LearnersGone.IsCompleted;
            if (!isGone && (node.Fabric.IsLearnerReachable || !wasReachable || !await IsElsewhere(node, inputs).ConfigureAwait(false))) continue;
            var isOver = node.Fabric.LearnersGone is { IsCompletedSuccessfully: true, Result: true };
            await node.AbandonAsync().ConfigureAwait(false);
            return isOver ? "the learner has left: the run is over, or was stopped" : null;
        }
    }

    // The learner's address answers, and what answers is no member here.
    private static async Task<bool> IsElsewhere(ClusterNode node, WorkerInputs inputs)
    {
        try
        {
            using var limit = new CancellationTokenSource(LookAgain);
            return !node.Fabric.HasMember(await Ask<int>(inputs, AkkaLearner.InstancePath, limit.Token).ConfigureAwait(false));
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException or IOException or SocketException or JsonException)
        {
            return false;
        }
    }

    private static async Task<IReadOnlyList<string>> Seeds(WorkerInputs inputs, CancellationToken cancel)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                if (await Ask<string[]>(inputs, AkkaLearner.SeedsPath, cancel).ConfigureAwait(false) is { Length: > 0 } seeds) return seeds;
            }
            catch (Exception error) when (error is HttpRequestException or IOException or SocketException or JsonException)
            {
                if (TimeProvider.System.GetElapsedTime(began) > inputs.Options.GiveUpAfter)
                    throw new RefusedException($"{inputs.Join}: the learner's node does not say where its cluster is ({error.GetBaseException().Message}); check --join, and that it runs with --fabric akka");
            }

            await Task.Delay(LookAgain, cancel).ConfigureAwait(false);
        }
    }

    // Null: nobody who has begun the run answers there.
    private static async Task<string?> RunOf(WorkerInputs inputs, CancellationToken cancel)
    {
        try
        {
            return await Ask<NodeSetup>(inputs, SetupFiles.Path, cancel).ConfigureAwait(false) is { IsWhole: true } setup ? setup.Run : null;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or SocketException or JsonException)
        {
            return null;
        }
    }

    private static async Task<T?> Ask<T>(WorkerInputs inputs, string path, CancellationToken cancel)
    {
        using var client = new HttpClient(inputs.Security.CreateHandler());
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(inputs.Join, path));
        request.Headers.TryAddWithoutValidation(ClusterSecret.Header, inputs.Security.Secret.Sign(request.Method.Method, path, TimeProvider.System.GetUtcNow()));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(AskLimit);
        try
        {
            using var response = await client.SendAsync(request, limit.Token).ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync<T>(SetupFiles.Json, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new IOException($"nothing within {AskLimit.TotalSeconds:0} s");
        }
    }

    // Settings need a fabric before there is one; nothing is ever sent through this.
    private sealed class NoFabric(Protocol.NodeId self) : IFabric
    {
        public Protocol.NodeId Self => self;

        public void Tell(Protocol.NodeId to, Protocol.IWireMessage message) => throw new InvalidOperationException("the node has no cluster yet");

        public void Attach(IActorRef node) => throw new InvalidOperationException("the node has no cluster yet");
    }
}
