using System.CommandLine;
using System.Globalization;
using Distributed.Node.Runs;
using Distributed.Node.Simulation;
using Distributed.Simulation.Faults;
using Distributed.Simulation.Planted;
using Distributed.Simulation.Runs;

namespace Distributed.Node.Commands;

/// <summary><c>distributed simulate</c>: the whole protocol under virtual time with injected faults (docs/simulation.md).</summary>
internal static class SimulateCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var seed = new Option<ulong?>("--seed") { Description = "Run the plan this seed draws." };
        var seeds = new Option<string?>("--seeds") { Description = "Run many seeds: --seeds 1..200; prints what failed and which faults and recovery paths were met." };
        var plan = new Option<string?>("--plan") { Description = "Run a saved plan." };
        var shrink = new Option<bool>("--shrink") { Description = "Take faults out of a failing plan while it still fails, and save what is left." };
        var story = new Option<string?>("--story") { Description = "Tell the run as a timeline: --story, or --story full for every message.", Arity = ArgumentArity.ZeroOrOne };
        var plant = new Option<string?>("--plant") { Description = "Plant a bug, to see it found (--planted lists them)." };
        var planted = new Option<bool>("--planted") { Description = "Plant each known bug in turn and show which seed finds it." };
        var output = new Option<string?>("--out") { Description = "Where the plan is saved; a plan that failed is always saved, as plan-SEED.json." };
        var jobs = new Option<int?>("--jobs") { Description = "Runs side by side; as many as the machine has cores if left out." };
        var command = new Command("simulate", "Run the whole protocol in virtual time with injected faults; a failure is a seed that can be replayed.") { seed, seeds, plan, shrink, story, plant, planted, output, jobs };
        command.SetAction((parsed, cancel) =>
        {
            var side = parsed.GetValue(jobs) ?? Environment.ProcessorCount;
            if (side < 1) throw new RefusedException($"--jobs {side}: give 1 or more");
            var chosen = new[] { parsed.GetValue(seed) != null, parsed.GetValue(seeds) != null, parsed.GetValue(plan) != null, parsed.GetValue(planted) }.Count(given => given);
            if (chosen != 1) throw new RefusedException("say what to run: one of --seed, --seeds, --plan or --planted");
            var bug = Known(parsed.GetValue(plant));
            if (parsed.GetValue(planted)) return Task.FromResult(PlantedTable.Print(side, cancel));
            if (parsed.GetValue(seeds) is { } range) return Task.FromResult(Sweep(range, side, bug, cancel));
            var run = parsed.GetValue(seed) is { } one ? FaultDraw.Of(one) : Read(parsed.GetValue(plan)!);
            if (bug != null) run = run with { Planted = bug };
            var tells = parsed.GetResult(story) is not null ? parsed.GetValue(story) ?? "" : null;
            if (tells is not (null or "" or "full")) throw new RefusedException($"--story {tells}: give nothing or full");
            return Task.FromResult(One(run, parsed.GetValue(shrink), tells, parsed.GetValue(output)));
        });
        return command;
    }

    private static string? Known(string? bug)
    {
        if (bug != null && PlantedBugs.All.All(known => known.Name != bug))
            throw new RefusedException($"--plant {bug}: there is no such bug; there are {string.Join(", ", PlantedBugs.All.Select(known => known.Name))}");
        return bug;
    }

    private static FaultPlan Read(string path)
    {
        try
        {
            return FaultPlan.FromJson(Disk.Guard(path, () => File.ReadAllText(path), "read"));
        }
        catch (FormatException error)
        {
            throw new RefusedException($"{path}: {error.Message}", error);
        }
    }

    private static int One(FaultPlan plan, bool shrink, string? story, string? output)
    {
        Console.WriteLine(SimulationText.Plan(plan));
        var outcome = SimulationRun.Of(plan, details: story == "full");
        if (shrink && !outcome.Passed)
        {
            Console.WriteLine($"broken: {outcome.Violation!.Invariant}; taking faults out");
            var shrinker = new PlanShrinker(smaller => SimulationRun.Of(smaller), line => Console.WriteLine($"  {line}"));
            var smallest = shrinker.Shrink(plan).Plan;
            outcome = SimulationRun.Of(smallest, details: story == "full");
            Console.WriteLine($"{plan.Faults.Count} faults became {smallest.Faults.Count} in {shrinker.Runs} runs");
            Console.WriteLine();
            Console.WriteLine(SimulationText.Plan(smallest));
        }

        if (story != null) Console.Write(SimulationText.Story(outcome));
        Console.WriteLine(SimulationText.Result(outcome));
        var file = output ?? (outcome.Passed ? null : $"plan-{plan.Seed}.json");
        if (file != null)
        {
            Disk.Guard(file, () => File.WriteAllText(file, outcome.Plan.ToJson() + "\n"));
            Console.WriteLine($"plan: {file}; again with: ./distributed simulate --plan {file} --story");
        }

        return outcome.Passed ? 0 : 1;
    }

    private static int Sweep(string range, int jobs, string? bug, CancellationToken cancel)
    {
        var ends = range.Split("..");
        if (ends.Length != 2 || !ulong.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            || !ulong.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out var last) || last < first || last - first >= 10_000_000)
            throw new RefusedException($"--seeds {range}: give two whole numbers, for example --seeds 1..200");
        var began = TimeProvider.System.GetTimestamp();
        var sweep = new SeedSweep().Run(first, (int)(last - first + 1), jobs, bug, (seed, outcome) =>
        {
            if (outcome.Violation is { } violation) Console.WriteLine($"seed {seed}: {violation.Invariant}: {violation.Text}");
        }, cancel);
        Console.Write(SimulationText.Sweep(sweep, TimeProvider.System.GetElapsedTime(began)));
        return sweep.Failures.Count == 0 ? 0 : 1;
    }
}
