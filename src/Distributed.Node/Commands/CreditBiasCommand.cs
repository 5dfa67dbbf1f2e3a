using System.CommandLine;
using Distributed.Node.CreditFiles;
using Distributed.Node.Runs;

namespace Distributed.Node.Commands;

/// <summary><c>distributed credit bias</c>: what every method's gradient is on average where the policy decides when to stop.</summary>
internal static class CreditBiasCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var size = new Option<int>("--group-size") { Description = "Rollouts of a group, 1 to 6.", DefaultValueFactory = _ => 4 };
        var output = new Option<string?>("--out") { Description = "A folder for bias.md, bias.json and bias.svg, or with --in for stop.md; only the table if left out." };
        var input = new Option<string?>("--in") { Description = "Scored groups of a run (inspect --groups writes them): which way each method pushes the decision to stop on them." };
        var command = new Command("bias", "Expected gradient, bias and variance of every method in the smallest world where a policy decides when to stop: exact, nothing is sampled. With --in, what each does on sampled groups.") { size, output, input };
        command.SetAction(parsed => parsed.GetValue(input) is { } groups ? OnGroups(groups, parsed.GetValue(output)) : Run(parsed.GetValue(size), parsed.GetValue(output)));
        return command;
    }

    private static int OnGroups(string input, string? output)
    {
        var table = StopPressureText.Markdown(GroupsFile.Read(input), input);
        Console.Write(table);
        Console.WriteLine();
        Console.WriteLine(StopPressureText.Note);
        if (output == null) return 0;
        var path = Path.Combine(output, "stop.md");
        Disk.Guard(output, () =>
        {
            Directory.CreateDirectory(output);
            File.WriteAllText(path, table + "\n" + StopPressureText.Note + "\n");
        });
        Console.WriteLine($"written: {path}");
        return 0;
    }

    private static int Run(int size, string? output)
    {
        if (size is < 1 or > 6) throw new RefusedException($"--group-size {size}: give 1 to 6; larger groups take hours");
        var rows = BiasStudy.Measure(size);
        Console.Write(BiasText.Plain(rows));
        Console.WriteLine();
        Console.WriteLine(BiasText.Note);
        if (output == null) return 0;
        Disk.Guard(output, () =>
        {
            Directory.CreateDirectory(output);
            File.WriteAllText(Path.Combine(output, "bias.md"), BiasText.Markdown(rows));
            File.WriteAllBytes(Path.Combine(output, "bias.json"), BiasText.Json(rows, size));
            File.WriteAllText(Path.Combine(output, "bias.svg"), BiasChart.Render(rows, size));
        });
        Console.WriteLine($"written: {Path.Combine(output, "bias.md")}, bias.json, bias.svg");
        return 0;
    }
}
