using System.CommandLine;
using System.Globalization;
using Distributed.Fabric.Http;
using Distributed.Node.Cluster;
using Distributed.Node.Composition;
using Distributed.Protocol;

namespace Distributed.Node.Commands;

/// <summary><c>distributed node</c>: one node of a cluster, with any mix of roles.</summary>
internal static class NodeCommand
{
    private static readonly string[] Roles = ["learner", "rollout", "scorer"];
    private static readonly string[] Fabrics = ["http"];

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipe = new Argument<string?>("recipe") { Description = "With --role learner: the recipe to run; recipes/search-qa.yaml if left out.", Arity = ArgumentArity.ZeroOrOne };
        var roles = new Option<string[]>("--role") { Description = "What the node does: learner, rollout, scorer; may be given several times.", Required = true };
        roles.AcceptOnlyFromAmong(Roles);
        var fabric = new Option<string>("--fabric") { Description = "How the nodes reach each other: http.", DefaultValueFactory = _ => "http" };
        fabric.AcceptOnlyFromAmong(Fabrics);
        var join = new Option<string?>("--join") { Description = "The learner's node, for example http://10.0.0.5:7400." };
        var listen = new Option<string?>("--listen") { Description = "Where this node listens; http://127.0.0.1:7400 for a learner if left out. A worker that listens lets others pull weights from it." };
        var name = new Option<string?>("--name") { Description = "The node's name, unique in the cluster; made up from role, machine and process if left out." };
        var threads = new Option<int?>("--threads") { Description = "Engine threads of a rollout or scorer node; the recipe's, at most this machine's cores, if left out." };
        var grace = new Option<double>("--grace") { Description = "Seconds a leaving node has for the work it has taken.", DefaultValueFactory = _ => 20 };
        var secret = new Option<string?>("--secret-file") { Description = $"File that holds the cluster's secret; the environment variable {ClusterSecret.EnvironmentVariable} if left out." };
        var certificate = new Option<string?>("--tls-cert") { Description = "PEM file of the certificate to show, for --listen https://..." };
        var key = new Option<string?>("--tls-key") { Description = "PEM file of its key, if it is not in the same file." };
        var authority = new Option<string?>("--tls-ca") { Description = "PEM file of the certificates to believe when joining https://...; the machine's own if left out." };
        var set = new Option<string[]>("--set") { Description = "With --role learner: override an option of the recipe.", AllowMultipleArgumentsPerToken = false };
        var output = new Option<string?>("--out") { Description = "With --role learner: the run folder." };
        var resume = new Option<string?>("--resume") { Description = "With --role learner: go on with the run in this folder." };
        var input = new Option<bool>("--end-with-input") { Description = "End as if asked to when standard input ends.", Hidden = true };
        var command = new Command("node", "Run one node of a cluster; docs/cluster.md.")
        {
            recipe, roles, fabric, join, listen, name, threads, grace, secret, certificate, key, authority, set, output, resume, input,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            if (parsed.GetValue(input)) EndWithInput(end);
            var wanted = parsed.GetValue(roles)!.ToHashSet();
            var security = new NodeSecurity(parsed.GetValue(secret), parsed.GetValue(certificate), parsed.GetValue(key), parsed.GetValue(authority)).Read();
            if (wanted.Contains("learner"))
            {
                if (parsed.GetValue(join) is not null) throw new RefusedException("--join is for nodes without the role learner; the others dial this one");
                var address = NodeAddress.Parse(parsed.GetValue(listen) ?? $"http://127.0.0.1:{NodeAddress.DefaultPort}", "--listen", NodeAddress.DefaultPort);
                var begun = TrainingSession.Begin(parsed.GetValue(recipe), parsed.GetValue(set) ?? [], parsed.GetValue(output), parsed.GetValue(resume));
                return begun.Run(
                    run => RunParts.Create(run, wanted.Count > 1 ? 1 : 0, 0),
                    run => HttpRunCluster.Start(run, address, wanted.Contains("rollout"), wanted.Contains("scorer"), security, new HttpFabricOptions()),
                    end.Token);
            }

            if ((parsed.GetValue(recipe) ?? parsed.GetValue(output) ?? parsed.GetValue(resume)) is not null || parsed.GetValue(set) is { Length: > 0 })
                throw new RefusedException("a recipe, --set, --out and --resume are the learner's; the other nodes get everything from it");
            var learner = parsed.GetValue(join) ?? throw new RefusedException("--join is missing; name the learner's node, for example --join http://10.0.0.5:7400");
            var reason = await WorkerNode.RunAsync(new WorkerInputs
            {
                Name = Named(parsed.GetValue(name), wanted),
                Rollout = wanted.Contains("rollout"),
                Scorer = wanted.Contains("scorer"),
                Join = NodeAddress.Parse(learner, "--join", NodeAddress.DefaultPort),
                Listen = parsed.GetValue(listen) is { } own ? NodeAddress.Parse(own, "--listen", 0) : null,
                Threads = parsed.GetValue(threads),
                Grace = TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(grace), 0, 3600)),
                Security = security,
                Options = new HttpFabricOptions(),
            }, Say, end.Token).ConfigureAwait(false);
            Say(reason);
            return 0;
        });
        return command;
    }

    private static NodeId Named(string? name, IReadOnlySet<string> roles) => new(name ?? string.Create(
        CultureInfo.InvariantCulture, $"{string.Join('-', roles.Order(StringComparer.Ordinal))}-{Environment.MachineName.Split('.')[0]}-{Environment.ProcessId}"));

    private static void Say(string line) => Console.WriteLine(line);

    // A launcher that dies, however it dies, closes the pipe.
    private static void EndWithInput(CancellationTokenSource end) => new Thread(() =>
    {
        try
        {
            while (Console.OpenStandardInput().Read(new byte[256]) > 0)
            {
            }
        }
        catch (IOException)
        {
            // As good as an end.
        }

        try
        {
            end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The node has ended already.
        }
    })
    { IsBackground = true, Name = "input" }.Start();
}
