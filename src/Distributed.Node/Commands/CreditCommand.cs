using System.CommandLine;
using System.Globalization;
using Distributed.Credit;
using Distributed.Node.CreditFiles;
using Distributed.Node.Runs;

namespace Distributed.Node.Commands;

/// <summary><c>distributed credit</c>: any method on any scored groups, and how biased each is.</summary>
internal static class CreditCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var method = new Argument<string>("estimator") { Description = $"One of {string.Join(", ", AdvantageEstimators.All.Select(entry => entry.Name))}." };
        var input = new Option<string>("--in") { Description = "Scored groups: docs/credit-format.md; `distributed inspect --groups RUN` writes them.", Required = true };
        var output = new Option<string?>("--out") { Description = "Where the credit goes, as JSON; only a summary if left out." };
        var set = new Option<string[]>("--set") { Description = "An option of the method: --set gamma=0.9." };
        var shapers = new Option<string[]>("--shaper") { Description = "A change of the rewards first, with its options: --shaper gated:threshold=1." };
        var command = new Command("credit", "Assign credit to scored groups of any origin, with any method; `credit bias` measures the methods themselves.") { method, input, output, set, shapers };
        command.SetAction(parsed => Run(parsed.GetValue(method)!, parsed.GetValue(input)!, parsed.GetValue(output), parsed.GetValue(set) ?? [], parsed.GetValue(shapers) ?? []));
        command.Add(CreditBiasCommand.Create());
        return command;
    }

    private static int Run(string method, string input, string? output, string[] set, string[] shapers)
    {
        var options = Pairs(set, "--set", "--set gamma=0.9");
        IAdvantageEstimator estimator;
        try
        {
            estimator = AdvantageEstimators.Create(method, options);
            if (shapers.Length > 0) estimator = new ShapedEstimator(estimator, [.. shapers.Select(Shaper)]);
        }
        catch (CreditException e)
        {
            throw new RefusedException(e.Message, e);
        }

        var groups = GroupsFile.Read(input);
        var credit = CreditFile.Assign(estimator, groups, input);
        if (output != null)
        {
            using var stream = new MemoryStream();
            CreditFile.Write(stream, estimator, options, groups, credit);
            Disk.Guard(output, () => File.WriteAllBytes(output, stream.ToArray()));
        }

        foreach (var line in Summary(method, estimator, groups, credit)) Console.WriteLine(line);
        if (output != null) Console.WriteLine($"written to {output}");
        return 0;
    }

    private static IEnumerable<string> Summary(string method, IAdvantageEstimator estimator, IReadOnlyList<FileGroup> groups, IReadOnlyList<GroupCredit> credit)
    {
        var rollouts = credit.SelectMany(group => group.Rollouts).ToArray();
        var advantages = rollouts.SelectMany(rollout => rollout.Advantages).ToArray();
        var flat = credit.Count(group => group.Rollouts.All(rollout => rollout.Advantages.All(advantage => advantage == 0)));
        yield return $"{estimator.Name}: {Count(credit.Count, "group")}, {Count(rollouts.Length, "rollout")}, {Count(advantages.Length, "turn")}; {Count(flat, "group")} without any advantage{Lacking(method, groups)}";
        yield return string.Create(CultureInfo.InvariantCulture, $"advantage: mean {advantages.Average():0.0000;-0.0000;0.0000}, root mean square {Math.Sqrt(advantages.Average(a => a * a)):0.0000}, from {advantages.Min():0.0000} to {advantages.Max():0.0000}");
        for (var turn = 0; turn < rollouts.Max(rollout => rollout.Advantages.Length); turn++)
        {
            var own = rollouts.Where(rollout => turn < rollout.Advantages.Length).Select(rollout => rollout.Advantages[turn]).ToArray();
            yield return string.Create(CultureInfo.InvariantCulture, $"  turn {turn + 1}: mean {own.Average():0.0000;-0.0000;0.0000}, mean size {own.Average(Math.Abs):0.0000}, in {own.Length} rollouts");
        }

        var used = groups.SelectMany((group, g) => group.Used.SelectMany((turns, i) => turns is null ? [] : turns.Select((advantage, t) => Math.Abs(advantage - credit[g].Rollouts[i].Advantages[t])))).ToArray();
        if (used.Length > 0) yield return string.Create(CultureInfo.InvariantCulture, $"largest difference to the advantages in the file: {used.Max():0.###e+0}");
    }

    // Said only of what the method reads: such rollouts are credited by their outcome alone.
    private static string Lacking(string method, IReadOnlyList<FileGroup> groups)
    {
        var rollouts = groups.SelectMany(group => group.Group.Rollouts).ToArray();
        if (method == "istar") return $"; {Count(rollouts.Count(rollout => rollout.Signals.IsEmpty || rollout.Signals.Any(turn => turn.ProcessReward is null)), "rollout")} without process rewards";
        return AdvantageEstimators.Find(method).UsesGains ? $"; {Count(rollouts.Count(rollout => rollout.LacksGains), "rollout")} without gains" : "";
    }

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static IRewardShaper Shaper(string text)
    {
        var cut = text.IndexOf(':', StringComparison.Ordinal);
        return cut < 0
            ? RewardShapers.Create(text)
            : RewardShapers.Create(text[..cut], Pairs(text[(cut + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries), $"--shaper {text}", "--shaper gated:threshold=1"));
    }

    private static Dictionary<string, string> Pairs(IEnumerable<string> texts, string where, string example)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            var cut = text.IndexOf('=', StringComparison.Ordinal);
            if (cut <= 0) throw new RefusedException($"{where}: '{text}' is not of the form name=value; for example {example}");
            pairs[text[..cut].Trim()] = text[(cut + 1)..].Trim();
        }

        return pairs;
    }
}
