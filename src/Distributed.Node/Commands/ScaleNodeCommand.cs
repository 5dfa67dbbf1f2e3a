using System.CommandLine;
using System.Text.Json;
using Distributed.Node.Cluster;
using Distributed.Node.Runs;
using Distributed.Node.Validation;
using Distributed.Protocol;
using Distributed.Simulation.Scaling;

namespace Distributed.Node.Commands;

/// <summary><c>distributed scale-node</c>: a process of <c>distributed scale --validate</c>, which starts it.</summary>
internal static class ScaleNodeCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var role = new Option<string>("--role") { Required = true, Description = "rollout or scorer." };
        role.AcceptOnlyFromAmong("rollout", "scorer");
        var name = new Option<string>("--name") { Required = true, Description = "The node's name." };
        var join = new Option<string>("--join") { Required = true, Description = "The learner's node." };
        var file = new Option<string>("--case") { Required = true, Description = "JSON of the scaling case." };
        var command = new Command("scale-node", "A process of `distributed scale --validate`: real actors, engines that sleep.") { role, name, join, file };
        command.Hidden = true;
        command.SetAction(async (parsed, cancel) =>
        {
            var path = parsed.GetValue(file)!;
            var experiment = JsonSerializer.Deserialize<ScalingCase>(Disk.Guard(path, () => File.ReadAllText(path), "read"), ScaleCommand.Json) ?? throw new RefusedException($"{path}: holds no case");
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            NodeCommand.EndWithInput(end);
            var security = new NodeSecurity(null, null, null, null).Read();
            await SleepingWorker.RunAsync(new NodeId(parsed.GetValue(name)!), parsed.GetValue(role) == "scorer", NodeAddress.Parse(parsed.GetValue(join)!, "--join", NodeAddress.DefaultPort), experiment, security, end.Token).ConfigureAwait(false);
            return 0;
        });
        return command;
    }
}
