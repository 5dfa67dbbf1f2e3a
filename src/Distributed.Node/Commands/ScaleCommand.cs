using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Node.Simulation;
using Distributed.Node.Validation;
using Distributed.Simulation.Scaling;

namespace Distributed.Node.Commands;

/// <summary><c>distributed scale</c>: how a training would run on clusters of many sizes, by the simulator with cost models (docs/scaling.md).</summary>
internal static class ScaleCommand
{
    internal static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        WriteIndented = true,
    };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var nodes = new Option<string>("--nodes") { Description = "Rollout nodes: 1,2,4 or 1..4096 for powers of two.", DefaultValueFactory = _ => "1..64" };
        var recipe = new Option<string?>("--recipe") { Description = "Take prompts and samples a step, updates a step, staleness and turns from a recipe." };
        var prompts = new Option<int?>("--prompts") { Description = "Prompts a step (32, or the recipe's)." };
        var perNode = new Option<int?>("--prompts-per-node") { Description = "Prompts a step grow with the nodes: so many for each." };
        var staleness = new Option<string?>("--staleness") { Description = "Bounds to compare, for example 0,1,4 (0, or the recipe's)." };
        var scorers = new Option<string>("--nodes-per-scorer") { Description = "Rollout nodes for each scorer, to compare: 4,8,16.", DefaultValueFactory = _ => "8" };
        var spread = new Option<string>("--spread") { Description = "How weights reach the nodes, to compare: star, peers (the protocol of a real cluster), ideal (a tree no protocol can beat).", DefaultValueFactory = _ => "star" };
        var mtbf = new Option<string>("--mtbf-hours") { Description = "Mean time between failures of one node, hours, to compare; 0: nothing fails.", DefaultValueFactory = _ => "0" };
        var steps = new Option<long>("--steps") { Description = "Steps of each run.", DefaultValueFactory = _ => 10 };
        var hours = new Option<double>("--hours") { Description = "Longest virtual time of each run.", DefaultValueFactory = _ => 1000 };
        var checkpoints = new Option<long>("--checkpoint-every") { Description = "Steps between checkpoints.", DefaultValueFactory = _ => 10 };
        var costs = new Option<string?>("--costs") { Description = "JSON with what your nodes do (--print-costs shows the defaults, which are assumptions)." };
        var print = new Option<bool>("--print-costs") { Description = "Print the cost model as JSON." };
        var measure = new Option<bool>("--measure-costs") { Description = "Measure the cost model of a recipe on this machine and print it as JSON: its engine plays, scores and trains. Links and restarts stay as assumed." };
        var validate = new Option<bool>("--validate") { Description = "Compare the prediction with real processes on this machine, whose engines and tools sleep as long as the cost model says (1,2,4 nodes; seconds a step unless --costs says otherwise)." };
        var seed = new Option<ulong>("--seed") { Description = "Draws durations and failures.", DefaultValueFactory = _ => 1 };
        var output = new Option<string?>("--out") { Description = "A folder for scaling.csv and report.html." };
        var command = new Command("scale", "Predict how a training scales: the real actors in virtual time over a cost model.")
        {
            nodes, recipe, prompts, perNode, staleness, scorers, spread, mtbf, steps, hours, checkpoints, costs, print, measure, validate, seed, output,
        };
        command.SetAction((parsed, cancel) =>
        {
            var model = Costs(parsed.GetValue(costs));
            if (parsed.GetValue(print))
            {
                Console.WriteLine(JsonSerializer.Serialize(model, Json));
                return Task.FromResult(0);
            }

            if (parsed.GetValue(measure))
            {
                var measured = CostMeasurement.Of(RecipeFile.ReadTraining(parsed.GetValue(recipe) ?? throw new RefusedException("--measure-costs: say of what, with --recipe FILE"), []), model, cancel);
                Console.WriteLine(JsonSerializer.Serialize(measured, Json));
                return Task.FromResult(0);
            }

            var isValidation = parsed.GetValue(validate);
            if (isValidation && parsed.GetValue(costs) == null) model = ScaleValidation.Costs;
            var first = From(parsed.GetValue(recipe), model) with { Steps = Positive("--steps", parsed.GetValue(steps)), Seed = parsed.GetValue(seed), CheckpointEverySteps = parsed.GetValue(checkpoints) };
            if (parsed.GetValue(hours) is var longest && !(longest > 0)) throw new RefusedException($"--hours {longest}: give a number above 0");
            if (first.CheckpointEverySteps < 0) throw new RefusedException($"--checkpoint-every {first.CheckpointEverySteps}: give 0 or more");
            first = first with { Hours = longest, PromptsPerStep = (int)Positive("--prompts", parsed.GetValue(prompts) ?? (isValidation ? 8 : first.PromptsPerStep)) };
            if (isValidation) first = first with { GroupSize = 4 };
            var cases =
                from bound in parsed.GetValue(staleness) is { } bounds ? Numbers("--staleness", bounds, 0) : [first.Staleness]
                from ratio in Numbers("--nodes-per-scorer", parsed.GetValue(scorers)!, 1)
                from way in Spreads(parsed.GetValue(spread)!)
                from failure in Numbers("--mtbf-hours", parsed.GetValue(mtbf)!, 0)
                from size in Sizes(parsed.GetResult(nodes) is { Implicit: false } || !isValidation ? parsed.GetValue(nodes)! : "1,2,4")
                select first with
                {
                    Nodes = size,
                    Scorers = Math.Max(1, size / ratio),
                    Staleness = bound,
                    Spread = way,
                    MtbfHours = failure,
                    PromptsPerStep = parsed.GetValue(perNode) is { } each ? (int)Positive("--prompts-per-node", each) * size : first.PromptsPerStep,
                };
            return isValidation
                ? ScaleValidation.RunAsync([.. cases.Select(one => one with { Spread = WeightSpread.Peers })], cancel) // as the product does it
                : Task.FromResult(Run([.. cases], parsed.GetValue(output), cancel));
        });
        return command;
    }

    private static int Run(IReadOnlyList<ScalingCase> cases, string? output, CancellationToken cancel)
    {
        Console.WriteLine(ScalingTable.Head);
        var results = new List<ScalingResult>();
        foreach (var one in cases)
        {
            results.Add(ScalingRun.Of(one, cancel));
            Console.WriteLine(ScalingTable.Row(results[^1], results));
        }

        Console.WriteLine($"trace {string.Join(' ', results.Select(result => result.Trace))}");
        if (output == null) return 0;
        Disk.Guard(output, () =>
        {
            Directory.CreateDirectory(output);
            File.WriteAllText(Path.Combine(output, "scaling.csv"), ScalingTable.Csv(results));
            File.WriteAllText(Path.Combine(output, "report.html"), ScalingPage.Render(results, JsonSerializer.Serialize(results[0].Case.Costs, Json)));
        });
        Console.WriteLine($"written: {Path.Combine(output, "report.html")}, scaling.csv");
        return 0;
    }

    private static CostModel Costs(string? path)
    {
        if (path == null) return new CostModel();
        try
        {
            var costs = JsonSerializer.Deserialize<CostModel>(Disk.Guard(path, () => File.ReadAllText(path), "read"), Json) ?? throw new RefusedException($"{path}: holds no cost model");
            return costs.Fault() is { } fault ? throw new RefusedException($"{path}: {fault}") : costs;
        }
        catch (JsonException error)
        {
            throw new RefusedException($"{path}: line {error.LineNumber + 1}: {error.Message.Split(" Path:")[0].Split(" | ")[0]}; --print-costs shows what there is", error);
        }
    }

    private static ScalingCase From(string? path, CostModel costs)
    {
        if (path == null) return new ScalingCase { Costs = costs };
        var recipe = RecipeFile.ReadTraining(path, []);
        if (recipe.Rollout.MaxTurns is { } turns) costs = costs with { MaxTurns = turns, MeanTurns = Math.Min(costs.MeanTurns, turns) };
        if (recipe.Cluster.EpisodesPerNode is { } episodes) costs = costs with { EpisodesPerNode = episodes };
        return new ScalingCase { Costs = costs, PromptsPerStep = recipe.PromptsPerStep, GroupSize = recipe.GroupSize, MiniBatches = recipe.MiniBatches, Staleness = recipe.MaxStalenessSteps };
    }

    private static IReadOnlyList<int> Sizes(string text)
    {
        if (text.Split("..") is not [var low, var high]) return Numbers("--nodes", text, 1);
        var (first, last) = (Numbers("--nodes", low, 1)[0], Numbers("--nodes", high, 1)[0]);
        if (last < first) throw new RefusedException($"--nodes {text}: the second number is below the first");
        var sizes = new List<int>();
        for (var size = first; size < last; size *= 2) sizes.Add(size);
        return [.. sizes, last];
    }

    private static IReadOnlyList<int> Numbers(string option, string text, int least) =>
    [
        .. text.Split(',').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= 65_536
            ? number
            : throw new RefusedException($"{option} {text}: give whole numbers from {least} to 65,536, separated by commas")),
    ];

    private static IReadOnlyList<WeightSpread> Spreads(string text) =>
    [
        .. text.Split(',').Select(part => part switch
        {
            "star" => WeightSpread.Star,
            "peers" => WeightSpread.Peers,
            "ideal" => WeightSpread.Ideal,
            _ => throw new RefusedException($"--spread {text}: give star, peers, ideal or several, separated by commas"),
        }),
    ];

    private static long Positive(string option, long value) => value > 0 ? value : throw new RefusedException($"{option} {value}: give 1 or more");
}
