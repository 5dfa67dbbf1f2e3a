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
        var output = new Option<string?>("--out") { Description = "A folder for bias.md, bias.json and bias.svg; only the table if left out." };
        var command = new Command("bias", "Expected gradient, bias and variance of every method in the smallest world where a policy decides when to stop: exact, nothing is sampled.") { size, output };
        command.SetAction(parsed => Run(parsed.GetValue(size), parsed.GetValue(output)));
        return command;
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
