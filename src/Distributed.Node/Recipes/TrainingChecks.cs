using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Distributed.Environments;
using Distributed.Environments.Arithmetic;

namespace Distributed.Node.Recipes;

/// <summary>Refuses options that cannot go together.</summary>
internal static partial class TrainingChecks
{
    public static void Check(Recipe recipe, OptionBinder binder)
    {
        Environment(recipe.Environment, recipe.Rollout, binder);
        Model(recipe.Model, recipe.Lora, recipe.Environment, binder);
        MethodChecks.Check(recipe, binder);
        EngineChecks.Check(recipe, binder);
        if (recipe.Optimizer.Betas.Count != 2)
        {
            throw Refuse(binder, "optimizer.betas", $"has {recipe.Optimizer.Betas.Count} numbers; give two, for example [0.9, 0.999]");
        }
        if (recipe.Rollout.Temperature == 0)
        {
            throw Refuse(binder, "rollout.temperature", "is 0: all rollouts of a group would be the same and nothing could be learnt; give more than 0");
        }
        var batch = (long)recipe.PromptsPerStep * recipe.GroupSize;
        if (batch > 1 << 20)
        {
            throw Refuse(binder, "prompts_per_step", $"times group_size is {batch} rollouts a step; give at most {1 << 20}");
        }
        if (recipe.MiniBatches > recipe.PromptsPerStep)
        {
            throw Refuse(binder, "mini_batches", $"is {recipe.MiniBatches}, but a step has only {recipe.PromptsPerStep} groups; give at most prompts_per_step");
        }
        if (recipe.RolloutIs is not null && recipe.MaxStalenessSteps == 0 && recipe.MiniBatches == 1 && !EngineChecks.UsesTorch(recipe.Engine))
        {
            throw Refuse(binder, "rollout_is", "corrects for an older policy, but with max_staleness_steps 0 and mini_batches 1 there is none; remove it");
        }
        if (recipe.RolloutIsIcepop is not null && recipe.RolloutIs is null)
        {
            throw Refuse(binder, "rollout_is_icepop", "does nothing without rollout_is; set that or remove it");
        }
        if (recipe.StallTimeoutS <= recipe.Rollout.LeaseTimeoutS)
        {
            throw Refuse(binder, binder.IsWritten("stall_timeout_s") ? "stall_timeout_s" : "rollout.lease_timeout_s",
                $": stall_timeout_s ({Number(recipe.StallTimeoutS)}) must be longer than rollout.lease_timeout_s ({Number(recipe.Rollout.LeaseTimeoutS)}), or a lost lease ends the run before it is re-issued");
        }
    }

    public static void Environment(EnvironmentSection environment, RolloutSection rollout, OptionBinder binder)
    {
        if (environment.Assembly is not null != environment.Type is not null)
        {
            throw Refuse(binder, "environment", "needs both assembly and type for a class of one's own");
        }
        if (environment is { Assembly: not null, Name: not null })
        {
            throw Refuse(binder, "environment.name", $"is '{environment.Name}', but assembly names a class of one's own; keep one of the two");
        }
        if (environment is { Options: not null, Assembly: null })
        {
            throw Refuse(binder, "environment.options", "belong to a class of one's own (assembly, type); write built-in options directly below environment");
        }
        if (environment.Assembly is not null && (rollout.MaxTurns ?? rollout.MaxTurnTokens ?? rollout.ToolTimeLimitS) is not null)
        {
            throw Refuse(binder, "rollout", "sets max_turns, max_turn_tokens or tool_time_limit_s, which a class of one's own decides in its Format; remove it");
        }
        var name = environment.Name ?? (environment.Assembly is null ? "search-world" : "a class of one's own");
        OnlyWith(environment, name, "environment", binder);
        if (name is "jsonl-search" or "jsonl-code")
        {
            foreach (var (key, path) in new[] { ("train", environment.Train), ("held_out", environment.HeldOut), ("corpus", environment.Corpus) })
            {
                if (path is null && (key != "corpus" || name == "jsonl-search"))
                {
                    throw Refuse(binder, "environment", $"{name} needs {key}: the path of a JSONL file");
                }
            }
        }
        switch (name)
        {
            case "search-world": Generated(options => SearchWorldOptions.Parse(options), environment, rollout, binder); break;
            case "arithmetic": Generated(options => ArithmeticOptions.Parse(options), environment, rollout, binder); break;
        }
    }

    // The world knows best what fits together; its refusal is given the recipe's line.
    private static void Generated(Action<IReadOnlyDictionary<string, string>> parse, EnvironmentSection environment, RolloutSection rollout, OptionBinder binder)
    {
        try
        {
            parse(EnvironmentOptions.Of(environment, rollout));
        }
        catch (EnvironmentSetupException e)
        {
            var named = NamedOption().Match(e.Message);
            var path = EnvironmentOptions.RecipePath(named.Groups["key"].Value);
            throw new RefusedException($"{binder.Place(path)}: {(named.Success ? path + e.Message[named.Length..] : e.Message)}", e);
        }
    }

    private static void Model(ModelSection model, LoraSection? lora, EnvironmentSection environment, OptionBinder binder)
    {
        if (model.Path is null == model.Shape is null)
        {
            throw Refuse(binder, "model", model.Path is null
                ? "is missing; name a model folder (model: {path: ...}) or a shape (model: {shape: {...}})"
                : "has a path and a shape; keep one of the two");
        }
        if (lora is not null && model.Path is null)
        {
            throw Refuse(binder, "lora", "adapts a model that knows something already; name its folder (model: {path: ...})");
        }
        if (model.Shape is { } shape)
        {
            Shape(shape, binder);
            if (environment.Assembly is not null || WordVocabulary.Of(environment.Name ?? EnvironmentLoader.SearchWorld) is null)
            {
                throw Refuse(binder, "model.shape", "needs a generated world's tokenizer; with another environment name a model folder that has a tokenizer.json");
            }
        }
    }

    public static void Shape(ShapeSection shape, OptionBinder binder)
    {
        if (shape.HiddenSize % shape.NumAttentionHeads != 0 || shape.HiddenSize / shape.NumAttentionHeads % 2 != 0)
        {
            throw Refuse(binder, "model.shape.num_attention_heads", $"{shape.NumAttentionHeads} must divide hidden_size {shape.HiddenSize} into heads of an even width");
        }
        if (shape.NumAttentionHeads % shape.NumKeyValueHeads != 0)
        {
            throw Refuse(binder, "model.shape.num_key_value_heads", $"{shape.NumKeyValueHeads} must divide num_attention_heads {shape.NumAttentionHeads}");
        }
    }

    // An option marked with AppliesTo is written only where it does something.
    public static void OnlyWith(IOptionSection section, string name, string path, OptionBinder binder)
    {
        foreach (var field in OptionField.Of(section.GetType()))
        {
            if (field.Property.GetCustomAttribute<AppliesToAttribute>() is { } applies
                && !applies.Names.Contains(name)
                && field.Property.GetValue(section) is not null)
            {
                throw Refuse(binder, $"{path}.{field.Key}", $"belongs to {OptionText.List(applies.Names)}, not to {name}; remove it");
            }
        }
    }

    public static RefusedException Refuse(OptionBinder binder, string path, string what) =>
        new($"{binder.Place(path)}: {path}{(what.StartsWith(':') ? "" : " ")}{what}");

    private static string Number(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);

    [GeneratedRegex("^environment option (?<key>[a-z0-9_]+)")]
    private static partial Regex NamedOption();
}
